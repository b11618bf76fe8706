using System.Globalization;
using System.Text.Json;
using CN2.Api.Access;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Resources;
using Microsoft.OpenApi;

namespace CN2.Api.OpenApi;

/// <summary>Which problems an operation can answer, and an example of each, made by the code that makes the real ones.</summary>
internal static class Problems
{
    /// <summary>The name of the schema that all of them have.</summary>
    public const string Schema = "Problem";

    private static readonly Dictionary<string, (string Meaning, ApiProblem Example)> Known = new()
    {
        [ProblemCodes.ValidationFailed] = ("the request is not valid; `errors` names every fault by the path of its member", ApiProblem.Validation(TwoFaults())),
        [ProblemCodes.MalformedJson] = ("the body is not JSON", ApiProblem.MalformedJson("It cannot be read at line 1, byte 20 (or is nested deeper than 32).")),
        [ProblemCodes.Unauthenticated] = ("the request does not prove who sends it; `WWW-Authenticate` says why", ApiProblem.Unauthenticated()),
        [ProblemCodes.AddressOutOfRange] = ("the address lies in no subnet of the networks that are allowed here", ApiProblem.AddressOutOfRange("address", "198.51.100.9 is in no subnet of ExternalNetwork ns1/vn-external1.")),
        [ProblemCodes.ImmutableField] = ("a member cannot be changed", ApiProblem.Immutable("address", "FloatingIP ns1/web-vip holds 100.0.0.9 and keeps it; reserve another FloatingIP for 100.0.0.10.")),
        [ProblemCodes.NotGranted] = ("the namespace is not granted a value, or has no grant and the caller is no operator", ApiProblem.NotGranted(OneFault())),
        [ProblemCodes.QuotaExceeded] = ("the namespace has as much as its grant allows; `used` and `limit` say how much", ApiProblem.QuotaExceeded("ns1", "services", 100, 100, 1)),
        [ProblemCodes.NetworkNotAllowed] = ("the `allowedNamespaces` of the network do not select the namespace", ApiProblem.NetworkNotAllowed("ns2/vn-external2", "ns1")),
        [ProblemCodes.GrantOverlap] = ("a prefix overlaps one that another namespace is granted", ApiProblem.GrantOverlap("203.0.113.0/24 overlaps 203.0.113.0/25, which Namespace ns2 is granted; a prefix is granted to one namespace only.")),
        [ProblemCodes.Forbidden] = ("the caller may not do this; it is the same whether or not the resource exists", ApiProblem.Forbidden(new Caller(CallerKind.Token, "portal", []), AccessVerb.Create, AccessResource.Services, "ns1")),
        [ProblemCodes.CrossOrigin] = ("a browser sends a write without a bearer token for a page of another origin", ApiProblem.CrossOrigin()),
        [ProblemCodes.LastAdmin] = ("nobody would be an admin any more", ApiProblem.LastAdmin()),
        [ProblemCodes.TooManyRoleBindings] = ($"there are {Limits.RoleBindings} role bindings", ApiProblem.TooManyRoleBindings()),
        [ProblemCodes.NotFound] = ("the resource, or the namespace of the path, does not exist", ApiProblem.NotFound("Service ns1/my-service")),
        [ProblemCodes.AlreadyExists] = ("a resource with this name exists", ApiProblem.AlreadyExists("Service ns1/my-service")),
        [ProblemCodes.InUse] = ("other resources need it; `detail` names them", ApiProblem.InUse("ExternalNetwork ns1/vn-external1", ["Service ns1/my-service"])),
        [ProblemCodes.InfrastructureAddress] = (
            "the address is that of a VirtualRouter, a BgpRouter, a control node or the database server", ApiProblem.InfrastructureAddress("100.0.0.9 is the address of VirtualRouter compute1; ask for another address.")),
        [ProblemCodes.AddressInUse] = ("another resource has the address", ApiProblem.AddressInUse("100.0.0.9 is held by FloatingIP ns1/web-vip.")),
        [ProblemCodes.AddressesExhausted] = ("the network has no free address", ApiProblem.AddressesExhausted("ns1/vn-external1")),
        [ProblemCodes.SubnetOverlap] = ("a subnet overlaps a subnet of a network that shares the routing table", ApiProblem.SubnetOverlap("100.0.0.0/24 overlaps 100.0.0.0/16 of ExternalNetwork ns2/vn-external2.")),
        [ProblemCodes.NodePortInUse] = ("another Service has the node port", ApiProblem.NodePortInUse("Node port 30080 is held by Service ns1/my-service.")),
        [ProblemCodes.BeingDeleted] = ("the resource is being deleted", ApiProblem.BeingDeleted("Service ns1/my-service")),
        [ProblemCodes.DocumentUnreadable] = ("what is stored of the resource cannot be read by this version (another version, or somebody who edited the database, wrote it)", ApiProblem.DocumentUnreadable("null is no item of a List")),
        [ProblemCodes.TooManyTokens] = ($"there are {Limits.ApiTokens} API tokens", ApiProblem.TooManyTokens()),
        [ProblemCodes.Alive] = ("the control node is alive", ApiProblem.Alive("control")),
        [ProblemCodes.IdempotencyKeyReused] = ("the `Idempotency-Key` came with another body before", ApiProblem.IdempotencyKeyReused()),
        [ProblemCodes.TokenTooOld] = ("what happened after `Last-Event-ID` is no longer kept; begin again without it", new ApiProblem(410, ProblemCodes.TokenTooOld, "The token is too old", "What happened since is no longer kept; begin again without Last-Event-ID.")),
        [ProblemCodes.PreconditionFailed] = ("`If-Match` does not name the current generation", ApiProblem.PreconditionFailed("If-Match does not name the current generation, which is \"4\"; read the resource again and repeat the change on it.")),
        [ProblemCodes.PayloadTooLarge] = ($"the body is larger than {Limits.Body / (1024 * 1024)} MiB (of a batch: {Limits.BatchBody / (1024 * 1024)} MiB)", ApiProblem.PayloadTooLarge(Limits.Body)),
        [ProblemCodes.UnsupportedMediaType] = ("the `Content-Type` is not the one of this operation", new ApiProblem(415, ProblemCodes.UnsupportedMediaType, "Unsupported media type", "Send the body as application/json in UTF-8.")),
        [ProblemCodes.TooManyRequests] = ("this caller sends too many requests, or has too many watches open; try again after `Retry-After` seconds",
            ApiProblem.TooManyRequests("This caller sends more than 200 requests a second; send fewer, or ask the operator for a higher RateLimit__PerSecond.", 1)),
        [ProblemCodes.Unavailable] = ("the database is away, or the request took longer than 10 s; try again after `Retry-After` seconds", ApiProblem.Unavailable()),
    };

    /// <summary>What one is told that many operations answer: a component of the document, by status.</summary>
    private static readonly Dictionary<int, (string Name, string[] Codes)> Shared = new()
    {
        [400] = ("Invalid", [ProblemCodes.ValidationFailed]),
        [401] = ("Unauthenticated", [ProblemCodes.Unauthenticated]),
        [403] = ("Forbidden", [ProblemCodes.Forbidden]),
        [404] = ("NotFound", [ProblemCodes.NotFound]),
        [410] = ("TokenTooOld", [ProblemCodes.TokenTooOld]),
        [412] = ("PreconditionFailed", [ProblemCodes.PreconditionFailed]),
        [413] = ("PayloadTooLarge", [ProblemCodes.PayloadTooLarge]),
        [415] = ("UnsupportedMediaType", [ProblemCodes.UnsupportedMediaType]),
        [429] = ("TooManyRequests", [ProblemCodes.TooManyRequests]),
        [503] = ("Unavailable", [ProblemCodes.Unavailable]),
    };

    /// <summary>Every code an operation can answer, but those of a request that does not reach it (404, 405 of an unknown path or method).</summary>
    public static IEnumerable<string> Of(OperationFacts facts)
    {
        yield return ProblemCodes.ValidationFailed;
        yield return ProblemCodes.Forbidden;
        yield return ProblemCodes.Unauthenticated;
        yield return ProblemCodes.TooManyRequests;
        yield return ProblemCodes.Unavailable;
        if (facts.Kind == OperationKind.Watch) yield return ProblemCodes.TokenTooOld;
        // A PUT creates the resource; only its namespace can be missing.
        if (facts.Kind == OperationKind.Replace || !facts.OfOne ? facts.InNamespace && facts.Writes : true) yield return ProblemCodes.NotFound;
        if (!facts.Writes) yield break;

        yield return ProblemCodes.CrossOrigin;
        if (facts.Kind is OperationKind.Replace or OperationKind.Patch or OperationKind.Delete) yield return ProblemCodes.PreconditionFailed;
        if (facts.Kind is OperationKind.Create or OperationKind.Batch or OperationKind.Action) yield return ProblemCodes.IdempotencyKeyReused;
        if (facts.Kind is OperationKind.Create) yield return ProblemCodes.AlreadyExists;
        if (facts.Kind is OperationKind.Replace or OperationKind.Patch) yield return ProblemCodes.DocumentUnreadable;
        if (facts.Kind == OperationKind.Action) yield break; // it has no body
        if (facts.Kind != OperationKind.Delete)
        {
            yield return ProblemCodes.MalformedJson;
            yield return ProblemCodes.PayloadTooLarge;
            yield return ProblemCodes.UnsupportedMediaType;
        }

        foreach (var code in OfResource(facts.Tag, facts.Kind)) yield return code;
    }

    public static int StatusOf(string code) => Known[code].Example.Status;

    public static string Text(int status) => status.ToString(CultureInfo.InvariantCulture);

    /// <summary>The answer with one status: its codes, and an example of each.</summary>
    public static IOpenApiResponse Answer(IReadOnlyList<string> codes, OpenApiDocument document)
    {
        var shared = Shared.GetValueOrDefault(StatusOf(codes[0]));
        return shared.Codes is not null && shared.Codes.SequenceEqual(codes) ? new OpenApiResponseReference(shared.Name, document) : Make(codes, document);
    }

    /// <summary>Adds the answers that operations share, and an example of every code.</summary>
    public static void AddComponents(OpenApiDocument document)
    {
        foreach (var (code, (meaning, problem)) in Known)
        {
            var body = ProblemBody.Of(problem, "/v1/namespaces/ns1/services/my-service");
            document.AddComponent<IOpenApiExample>(code, new OpenApiExample { Summary = meaning, Value = JsonSerializer.SerializeToNode(body, ApiJson.Options) });
        }

        foreach (var (name, codes) in Shared.Values) document.AddComponent<IOpenApiResponse>(name, Make(codes, document));
    }

    /// <summary>All codes as a table in Markdown.</summary>
    public static string Table() => string.Join('\n',
        ["| status | code | meaning |", "|---|---|---|", .. Known.OrderBy(k => k.Value.Example.Status).Select(k => $"| {k.Value.Example.Status} | `{k.Key}` | {k.Value.Meaning} |")]);

    private static OpenApiResponse Make(IReadOnlyList<string> codes, OpenApiDocument document) => new()
    {
        Description = codes.Count == 1 ? Meaning(codes[0]) : string.Join('\n', codes.Select(c => $"- {Meaning(c)}")),
        Headers = codes.Contains(ProblemCodes.Unavailable) || codes.Contains(ProblemCodes.TooManyRequests)
            ? new Dictionary<string, IOpenApiHeader> { ["Retry-After"] = Answers.Header("Seconds to wait before the next try.", JsonSchemaType.Integer) }
            : codes.Contains(ProblemCodes.Unauthenticated)
            ? new Dictionary<string, IOpenApiHeader> { ["WWW-Authenticate"] = Answers.Header("How callers prove who they are, and what is wrong with what was sent (RFC 6750).") } : null,
        Content = new Dictionary<string, OpenApiMediaType>
        {
            ["application/problem+json"] = new()
            {
                Schema = new OpenApiSchemaReference(Schema, document),
                Examples = codes.ToDictionary(c => c, IOpenApiExample (c) => new OpenApiExampleReference(c, document)),
            },
        },
    };

    private static string Meaning(string code) => $"`{code}`: {Known[code].Meaning}.";

    private static IEnumerable<string> OfResource(string tag, OperationKind kind)
    {
        var deletes = kind == OperationKind.Delete;
        switch (tag)
        {
            case "Namespaces" or "ServiceHealthChecks" or "ExternalNetworkSelectors":
                if (deletes) yield return ProblemCodes.InUse;
                break;
            case "VirtualRouters" or "VirtualMachineInterfaces" or "BgpRouters":
                if (deletes) break;
                yield return ProblemCodes.AddressInUse;
                if (tag != "VirtualMachineInterfaces") break;
                yield return ProblemCodes.InfrastructureAddress;
                yield return ProblemCodes.NotGranted;
                yield return ProblemCodes.QuotaExceeded;
                break;
            case "Grants":
                if (!deletes) yield return ProblemCodes.GrantOverlap;
                break;
            case "RoleBindings":
                if (kind is OperationKind.Create or OperationKind.Replace) yield return ProblemCodes.TooManyRoleBindings;
                if (kind != OperationKind.Create) yield return ProblemCodes.LastAdmin;
                break;
            case "Tokens":
                if (kind == OperationKind.Create) yield return ProblemCodes.TooManyTokens;
                if (deletes) yield return ProblemCodes.LastAdmin;
                break;
            case "ControlNodes":
                if (deletes) yield return ProblemCodes.Alive;
                break;
            case "ExternalNetworks":
                yield return ProblemCodes.InUse;
                yield return ProblemCodes.NotGranted;
                if (deletes) break;
                if (kind != OperationKind.Patch) yield return ProblemCodes.QuotaExceeded;
                yield return ProblemCodes.SubnetOverlap;
                // A network that comes from the overlay, with the address of an endpoint.
                if (kind != OperationKind.Create) yield return ProblemCodes.AddressInUse;
                break;
            case "Services" when !deletes:
                yield return ProblemCodes.AddressOutOfRange;
                yield return ProblemCodes.AddressInUse;
                yield return ProblemCodes.InfrastructureAddress;
                yield return ProblemCodes.NodePortInUse;
                yield return ProblemCodes.NetworkNotAllowed;
                yield return ProblemCodes.QuotaExceeded;
                yield return ProblemCodes.BeingDeleted;
                break;
            case "FloatingIPs":
                if (kind != OperationKind.Create) yield return ProblemCodes.InUse;
                if (deletes) break;
                if (kind != OperationKind.Create) yield return ProblemCodes.ImmutableField;
                yield return ProblemCodes.AddressOutOfRange;
                yield return ProblemCodes.AddressInUse;
                yield return ProblemCodes.InfrastructureAddress;
                yield return ProblemCodes.AddressesExhausted;
                if (kind != OperationKind.Patch) yield return ProblemCodes.NetworkNotAllowed;
                if (kind != OperationKind.Patch) yield return ProblemCodes.QuotaExceeded;
                yield return ProblemCodes.BeingDeleted;
                break;
        }
    }

    private static FaultList OneFault()
    {
        var faults = new FaultList();
        faults.Add("subnets[0].cidr", "100.0.0.0/24 is outside of the prefixes that the namespace is granted: 203.0.113.0/24");
        return faults;
    }

    private static FaultList TwoFaults()
    {
        var faults = new FaultList();
        faults.Add("name", ResourceRules.NameRule);
        faults.Add("ports[0].port", "must be from 1 to 65535");
        return faults;
    }
}
