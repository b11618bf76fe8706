using System.Text.Json.Nodes;
using CN2.Api.Data;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Statuses;
using CN2.Network.Selection;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>DELETE of a collection: each object in a transaction of its own. The answer lists what was deleted or marked; the first refusal ends it.</summary>
internal sealed class CollectionDeletion(IDbContextFactory<CN2DbContext> contexts, ObjectDeletion deletion)
{
    /// <summary>Objects of one statement.</summary>
    private const int Step = 500;

    public async Task DeleteAsync(HttpContext http, IObjectBinding binding, string? ns)
    {
        var ct = http.RequestAborted;
        var (options, refused) = await DeleteOptions.ReadAsync(http);
        LabelSelector? selector = null;
        if (refused is null && http.Request.Query["labelSelector"].ToString() is { Length: > 0 } text && !LabelSelector.TryParse(text, out selector, out var error))
            refused = FailureStatus.BadRequest($"unable to parse the label selector: {error}");
        if (refused is not null)
        {
            await ObjectAnswer.WriteAsync(http, refused);
            return;
        }

        var deleted = new JsonArray();
        (string, string)? after = null;
        do
        {
            ObjectPage page;
            await using (var db = await contexts.CreateDbContextAsync(ct)) page = await binding.ListAsync(db, new ObjectRange(ns, selector, after, Step), ct);
            foreach (var item in page.Items)
            {
                var answer = await deletion.DeleteOneAsync(http, binding, item, options!);
                if (answer.Failure is { Code: 404 }) continue;
                if (answer.Failure is not null)
                {
                    await ObjectAnswer.WriteAsync(http, answer.Failure);
                    return;
                }

                deleted.Add(answer.Object!["kind"]?.ToString() == "Status" ? ShownObject.Of(binding, item, default) : answer.Object);
            }

            after = page.Next;
        }
        while (after is not null);
        await ObjectAnswer.WriteAsync(http, 200, new JsonObject
        {
            ["kind"] = $"{binding.Definition.Kind}List",
            ["apiVersion"] = binding.Definition.ApiVersion,
            ["metadata"] = new JsonObject(),
            ["items"] = deleted,
        });
    }
}
