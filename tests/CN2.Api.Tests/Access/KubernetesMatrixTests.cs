using System.Text.Json.Nodes;

namespace CN2.Api.Tests.Access;

/// <summary>Every kind and verb of the Kubernetes API by every role, as discovery lists them. The table is the contract's (docs/contract.md §7 and §8).</summary>
public sealed class KubernetesMatrixTests(RoleServer api) : IClassFixture<RoleServer>
{
    private const string All = "nobody viewer1 editor1 viewer editor operator admin";

    /// <summary>Who may read and write: in ns1, where viewer1 and editor1 have roles, and in ns2, where they have none; <c>ListAll</c>: list and watch in all namespaces.</summary>
    private sealed record Kind(string Read1, string Write1, string Read2, string Write2, string ListAll)
    {
        public static readonly Kind OfNamespace = new(
            "viewer1 editor1 viewer editor operator admin", "editor1 editor operator admin", "viewer editor operator admin", "editor operator admin", "viewer1 editor1 viewer editor operator admin");

        public static readonly Kind OfCluster = new("viewer editor operator admin", "operator admin", "viewer editor operator admin", "operator admin", "viewer editor operator admin");
    }

    /// <summary>
    /// The one 403 that a caller gets who may: the FloatingIP of a Service goes with its Service and with nothing else, as Kubernetes refuses to delete what is the
    /// system's own. Not 409, because clients try again after a conflict. Who may deletes the rest of the collection.
    /// </summary>
    private const string OfService = " and is read-only; change or delete the Service.";

    private static readonly Dictionary<string, Kind> Expected = new()
    {
        ["services"] = Kind.OfNamespace,
        ["endpoints"] = Kind.OfNamespace,
        ["endpointslices"] = Kind.OfNamespace,
        ["pods"] = Kind.OfNamespace,
        ["events"] = Kind.OfNamespace,
        ["virtualnetworks"] = Kind.OfNamespace,
        ["subnets"] = Kind.OfNamespace,
        ["routinginstances"] = Kind.OfNamespace,
        ["network-attachment-definitions"] = Kind.OfNamespace,
        ["virtualmachineinterfaces"] = Kind.OfNamespace,
        ["servicehealthchecks"] = Kind.OfNamespace,
        // Cluster-scoped: a collection is asked without namespace, one by the name ns1.absent or ns2.absent.
        ["floatingips"] = Kind.OfNamespace,
        ["namespaces"] = Kind.OfNamespace with { Write1 = "operator admin", Write2 = "operator admin" },
        ["nodes"] = Kind.OfCluster,
        ["virtualrouters"] = Kind.OfCluster,
        ["bgprouters"] = Kind.OfCluster,
        ["kubemanagers"] = Kind.OfCluster,
        ["selfsubjectaccessreviews"] = new(All, All, All, All, All),
        ["selfsubjectrulesreviews"] = new(All, All, All, All, All),
    };

    [Fact]
    public async Task Every_verb_of_every_kind_is_refused_to_every_role_that_may_not_and_to_no_other()
    {
        (await api.PostAsync("/v1/namespaces/ns1/services", """{"name":"k-owner","type":"ClusterIP","ports":[{"port":80}]}""")).Expect(201);
        var wrong = new List<string>();
        foreach (var root in await RootsAsync())
        {
            var (_, text) = await api.KubernetesAsync("admin", HttpMethod.Get, root);
            foreach (var resource in JsonNode.Parse(text)!["resources"]!.AsArray())
            {
                var parts = ((string)resource!["name"]!).Split('/');
                if (!Expected.TryGetValue(parts[0], out var kind))
                {
                    wrong.Add($"{parts[0]} has no entry in the table");
                    continue;
                }

                foreach (var verb in resource["verbs"]!.AsArray().Select(v => (string)v!)) await AskAllAsync(root, parts, (bool)resource["namespaced"]!, verb, kind, wrong);
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public async Task Discovery_is_for_every_caller()
    {
        foreach (var path in (string[])["/api", "/apis", "/api/v1", "/version", "/openapi/v2", "/openapi/v3", "/livez", "/readyz"])
            Assert.Equal((path, 200), (path, (await api.KubernetesAsync("nobody", HttpMethod.Get, path)).Status));
    }

    [Fact]
    public async Task A_refusal_is_a_Status_of_reason_Forbidden_and_the_same_whether_or_not_the_object_exists()
    {
        (await api.PostAsync("/v1/namespaces/ns2/services", """{"name":"k-there","type":"ClusterIP","ports":[{"port":80}]}""")).Expect(201);
        var (status, there) = await api.KubernetesAsync("viewer1", HttpMethod.Get, "/api/v1/namespaces/ns2/services/k-there");
        Assert.Equal(403, status);
        Assert.Equal(("Status", "Forbidden", 403), ((string?)JsonNode.Parse(there)!["kind"], (string?)JsonNode.Parse(there)!["reason"], (int?)JsonNode.Parse(there)!["code"]));
        Assert.Contains("User viewer1 may not get services in namespace ns2", there, StringComparison.Ordinal);
        var (_, absent) = await api.KubernetesAsync("viewer1", HttpMethod.Get, "/api/v1/namespaces/ns2/services/k-gone");
        Assert.Equal(absent, there.Replace("k-there", "k-gone", StringComparison.Ordinal));
    }

    private async Task<List<string>> RootsAsync()
    {
        var (_, text) = await api.KubernetesAsync("admin", HttpMethod.Get, "/apis");
        return ["/api/v1", .. JsonNode.Parse(text)!["groups"]!.AsArray().SelectMany(g => g!["versions"]!.AsArray()).Select(v => $"/apis/{v!["groupVersion"]}")];
    }

    private async Task AskAllAsync(string root, string[] parts, bool isNamespaced, string verb, Kind kind, List<string> wrong)
    {
        var isRead = verb is "get" or "list" or "watch";
        var isCollection = verb is "list" or "watch" or "deletecollection" || (verb == "create" && parts.Length == 1);
        foreach (var ns in new[] { "ns1", "ns2" })
        {
            var (read, write) = ns == "ns1" ? (kind.Read1, kind.Write1) : (kind.Read2, kind.Write2);
            var collection = isNamespaced ? $"{root}/namespaces/{ns}/{parts[0]}" : $"{root}/{parts[0]}";
            var name = parts[0] switch { "namespaces" => ns, "floatingips" => $"{ns}.absent", _ => "absent" };
            var path = isCollection ? collection : string.Join('/', [collection, name, .. parts[1..]]);
            var may = isRead ? read : write;
            if (!isNamespaced && isCollection)
            {
                if (ns == "ns2") continue;
                may = isRead ? kind.ListAll : parts[0] == "floatingips" && verb == "deletecollection" ? "editor operator admin" : write;
            }

            await AskAsync(verb, path, parts[0] == "floatingips" && verb == "create" ? $$$"""{"metadata":{"name":"{{{ns}}}.new"}}""" : "{}", may, wrong);
        }

        if (isNamespaced && verb is "list" or "watch") await AskAsync(verb, $"{root}/{parts[0]}", "{}", kind.ListAll, wrong);
    }

    private async Task AskAsync(string verb, string path, string body, string may, List<string> wrong)
    {
        var (method, query) = verb switch
        {
            "get" or "list" => (HttpMethod.Get, ""),
            "watch" => (HttpMethod.Get, "?watch=true&timeoutSeconds=1"),
            "create" => (HttpMethod.Post, "?dryRun=All"),
            "update" => (HttpMethod.Put, "?dryRun=All"),
            "patch" => (HttpMethod.Patch, "?dryRun=All"),
            _ => (HttpMethod.Delete, "?dryRun=All"),
        };
        if (path.Contains("review", StringComparison.Ordinal)) query = "";
        foreach (var (user, _, _) in RoleServer.Users)
        {
            using var response = await RoleServer.BeginAsync(api.Kubernetes, user, method, path + query, method == HttpMethod.Get ? null : body, method == HttpMethod.Patch ? "application/merge-patch+json" : "application/json");
            var status = (int)response.StatusCode;
            var text = status == 403 ? await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken) : "";
            var isRefused = text.Contains($"User {user} may not ", StringComparison.Ordinal);
            var isOfService = !isRefused && text.Contains(OfService, StringComparison.Ordinal);
            var isExpected = may.Split(' ').Contains(user)
                ? isOfService == (verb == "deletecollection" && path.EndsWith("/floatingips", StringComparison.Ordinal)) && (status != 403 || isOfService)
                : isRefused;
            if (!isExpected || status >= 500) wrong.Add($"{verb} {path} by {user}: {status} {text}");
        }
    }
}
