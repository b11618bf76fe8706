using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Patches;
using CN2.Api.Kubernetes.Statuses;
using CN2.Api.Kubernetes.Wire;
using CN2.Api.Writes;
using CN2.Network.Resources;
using Microsoft.Net.Http.Headers;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>PATCH of all kinds: JSON, merge, strategic merge (native kinds) and server-side apply.</summary>
internal sealed class ObjectPatching(ObjectTransactions transactions, ObjectUpdate update, ObjectCreation creation, TimeProvider time)
{
    private const string Json = "application/json-patch+json";
    private const string Merge = "application/merge-patch+json";
    private const string Strategic = "application/strategic-merge-patch+json";
    private const string Apply = "application/apply-patch+yaml";

    public async Task PatchAsync(HttpContext http, IObjectBinding binding, string? ns, string name, string subresource)
    {
        var answer = await AnswerAsync(http, binding, ns, name, subresource);
        await answer.SendAsync(http);
    }

    private async Task<WriteAnswer> AnswerAsync(HttpContext http, IObjectBinding binding, string? ns, string name, string subresource)
    {
        var definition = binding.Definition;
        var (options, unreadable) = WriteOptions.Read(http.Request.Query, "PatchOptions");
        if (unreadable is not null) return unreadable;
        var media = MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var type) ? type.MediaType.Value!.ToLowerInvariant() : "";
        string[] accepted = definition.IsNative ? [Json, Merge, Strategic, Apply] : [Json, Merge, Apply];
        if (!accepted.Contains(media)) return FailureStatus.UnsupportedMediaType(accepted);
        if (OptionFaults(options!, media == Apply) is { Count: > 0 } faults) return FailureStatus.InvalidOptions("PatchOptions", faults);
        var (patch, duplicates, unread) = await ReadAsync(http, media);
        if (unread is not null) return unread;
        RequestFindings.Of(http).Name = name;
        var target = new UpdateTarget(binding, ns, name, subresource, options!.ManagerOf(http.Request, subresource)) { IsApply = media == Apply };

        ObjectUpdate.Change change = current => Checked(http, target, options, duplicates, media switch
        {
            Json => JsonPatch.Apply(current, patch),
            Merge => JsonMergePatch.Apply(current, patch),
            Strategic => StrategicMergePatch.Apply(current, patch, definition.Schema),
            _ => WithConditions(ManagedFields.Apply(definition, current, patch, target.Manager, options.IsForced ?? false, time.GetUtcNow()), (JsonObject)patch!),
        });
        return await transactions.RunAsync(http, binding, name, options.IsDryRun, target.IsApply, async (scope, ct) =>
        {
            http.Response.Headers.Remove("Warning"); // of an attempt before
            if (await binding.LockAsync(scope, ns, name, ct) is { } current) return await update.ChangeAsync(scope, target, current, change, ct);
            return target.IsApply && subresource.Length == 0 && definition.Verbs.Contains("create")
                ? await CreateAsync(http, scope, target, options, (JsonObject)patch!, duplicates, ct)
                : FailureStatus.NotFound(definition, name);
        });
    }

    private async Task<WriteAnswer> CreateAsync(
        HttpContext http, WriteScope scope, UpdateTarget target, WriteOptions options, JsonObject given, IReadOnlyList<string> duplicates, CancellationToken ct)
    {
        var definition = target.Binding.Definition;
        var source = (JsonObject)given.DeepClone();
        if (Metadata.WrongName(source, target.Name) is { } misnamed) return misnamed;
        if (Metadata.TextOf(source, "uid") is { } uid)
            return FailureStatus.Conflict(definition, target.Name, $"uid mismatch: the provided object specified uid {uid}, and no existing object was found");
        Metadata.Of(source)["name"] = target.Name;
        var (created, refused) = Checked(http, target, options, duplicates, ManagedFields.Apply(definition, null, source, target.Manager, options.IsForced ?? false, time.GetUtcNow()));
        if (refused is not null) return refused;
        var managed = Metadata.Of(created!)["managedFields"]?.DeepClone();
        var (name, wrong) = Metadata.Begin(created!, definition, target.Namespace);
        if (wrong is not null) return wrong;
        Metadata.Of(created!)["managedFields"] = managed;
        if (definition.Subresources.Any(s => s.Name == "status")) created!.Remove("status");
        return await creation.CreateAsync(scope, target.Binding, new ObjectDraft(target.Namespace, name!, created!), ct);
    }

    /// <summary>The version and the uid that an apply names are conditions, as in every other write.</summary>
    private static PatchResult WithConditions(PatchResult result, JsonObject applied)
    {
        if (result is not PatchResult.Done done) return result;
        foreach (var member in (string[])["resourceVersion", "uid"])
        {
            if (Metadata.TextOf(applied, member) is { } named) Metadata.Of(done.Object)[member] = named;
        }

        return done;
    }

    private static (JsonObject?, FailureStatus?) Checked(HttpContext http, UpdateTarget target, WriteOptions options, IReadOnlyList<string> duplicates, PatchResult result) => result switch
    {
        PatchResult.Done done => CheckedBody.Check(http, done.Object, target.Binding, duplicates, options.Validation, isPatched: true),
        PatchResult.Conflicted conflicted => (null, PatchFailure.Of(conflicted)),
        PatchResult.Refused refused => (null, PatchFailure.Of(refused, target.Binding.Definition, target.Name)),
        _ => throw new InvalidOperationException("No such result"),
    };

    private static List<StatusCause> OptionFaults(WriteOptions options, bool isApply)
    {
        var faults = new List<StatusCause>();
        if (isApply && options.Manager is null) faults.Add(new(StatusCause.Required, "Required value: is required for apply patch", "fieldManager"));
        if (!isApply && options.IsForced is not null) faults.Add(new(StatusCause.Forbidden, "Forbidden: may not be specified for non-apply patch", "force"));
        return faults;
    }

    /// <summary>A JSON patch is a list, all others are objects.</summary>
    private static async Task<(JsonNode? Patch, IReadOnlyList<string> Duplicates, FailureStatus? Refused)> ReadAsync(HttpContext http, string media)
    {
        var (bytes, tooLarge) = await RequestObject.BytesAsync(http);
        if (tooLarge is not null) return (null, [], tooLarge);
        if (media == Json)
        {
            try
            {
                return (JsonNode.Parse(bytes.Span, documentOptions: new JsonDocumentOptions { MaxDepth = Limits.Nesting }), [], null);
            }
            catch (JsonException e)
            {
                return (null, [], FailureStatus.BadRequest($"the JSON patch cannot be read: {e.Message}"));
            }
        }

        return BodyReader.Read(media, bytes, null) switch
        {
            BodyResult.Read read => (read.Object, read.Faults, null),
            BodyResult.Refused refused => (null, [], FailureStatus.BadRequest(refused.Message)),
            _ => throw new InvalidOperationException("No such result"),
        };
    }
}
