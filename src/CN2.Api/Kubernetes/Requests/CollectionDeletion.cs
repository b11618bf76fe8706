using System.Text.Json.Nodes;
using CN2.Api.Data;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Lists;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Statuses;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>
/// DELETE of a collection: each object that the selectors choose, in a transaction of its own. An object that cannot be deleted keeps no other: the first
/// refusal is the answer after all were tried. The answer lists what was deleted or marked, the first <see cref="MostListed"/> of them.
/// </summary>
internal sealed class CollectionDeletion(IDbContextFactory<CN2DbContext> contexts, ObjectDeletion deletion)
{
    /// <summary>The most objects in the answer; <c>metadata.remainingItemCount</c> says how many more there were.</summary>
    public const int MostListed = 500;

    /// <summary>Objects of one statement.</summary>
    private const int Step = 500;

    public async Task DeleteAsync(HttpContext http, IObjectBinding binding, string? ns)
    {
        var (options, refused) = await DeleteOptions.ReadAsync(http);
        var malformed = new List<string>();
        var invalid = new FaultList();
        var request = ListRequestReader.Read(http.Request.Query, binding.Definition, ns, malformed, invalid);
        refused ??= ListRequestReader.Refusal(malformed, invalid);
        if (refused is not null) await ObjectAnswer.WriteAsync(http, refused);
        else await DeleteAsync(http, binding, ns, request, options!);
    }

    private async Task DeleteAsync(HttpContext http, IObjectBinding binding, string? ns, ListRequest request, DeleteOptions options)
    {
        var ct = http.RequestAborted;
        var listed = new JsonArray();
        FailureStatus? first = null;
        int deleted = 0, failed = 0;
        var after = request.After;
        do
        {
            ObjectPage page;
            await using (var db = await contexts.CreateDbContextAsync(ct)) page = await binding.ListAsync(db, new ObjectRange(ns, null, after, Step), ct);
            foreach (var item in page.Items)
            {
                if (request.Limit > 0 && deleted + failed == request.Limit) break;
                var shown = ShownObject.Of(binding, item, default);
                if (!request.Selector.Matches(shown)) continue;
                var answer = await deletion.DeleteOneAsync(http, binding, item, options);
                if (answer.Failure is { Code: 404 }) continue;
                if (answer.Failure is { } failure)
                {
                    first ??= failure;
                    failed++;
                    continue;
                }

                if (++deleted <= MostListed) listed.Add(answer.Object!["kind"]?.ToString() == "Status" ? shown : answer.Object);
            }

            after = request.Limit > 0 && deleted + failed == request.Limit ? null : page.Next;
        }
        while (after is not null);
        if (first is not null) await ObjectAnswer.WriteAsync(http, first with { Message = $"{first.Message} ({deleted} deleted, {failed} not)" });
        else await ObjectAnswer.WriteAsync(http, 200, ToList(binding, listed, deleted));
    }

    private static JsonObject ToList(IObjectBinding binding, JsonArray listed, int deleted)
    {
        var metadata = new JsonObject();
        if (deleted > listed.Count) metadata["remainingItemCount"] = deleted - listed.Count;
        return new JsonObject
        {
            ["kind"] = $"{binding.Definition.Kind}List",
            ["apiVersion"] = binding.Definition.ApiVersion,
            ["metadata"] = metadata,
            ["items"] = listed,
        };
    }
}
