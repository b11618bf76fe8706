using System.Data;
using System.Text.Json.Nodes;
using CN2.Api.Data;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Statuses;
using CN2.Api.Kubernetes.Versions;
using CN2.Network.Selection;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>GET of one object and of a list.</summary>
internal sealed class ObjectReading(IDbContextFactory<CN2DbContext> contexts, ObjectVersions versions)
{
    /// <summary>Objects of one statement.</summary>
    private const int Step = 500;

    public async Task GetAsync(HttpContext http, IObjectBinding binding, string? ns, string name)
    {
        var ct = http.RequestAborted;
        JsonObject? shown = null;
        await using (var db = await contexts.CreateDbContextAsync(ct))
        {
            await using var transaction = await db.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
            var connection = await db.OpenSqlAsync(ct);
            if (await binding.FindAsync(connection, ns, name, ct) is { } found)
            {
                var uid = found.VersionUid ?? found.Uid;
                shown = ShownObject.Of(binding, found, (await versions.ReadAsync(connection, [uid], ct))[uid]);
            }
        }

        await (shown is null ? ObjectAnswer.WriteAsync(http, FailureStatus.NotFound(binding.Definition, name)) : ObjectAnswer.WriteAsync(http, 200, shown));
    }

    public async Task ListAsync(HttpContext http, IObjectBinding binding, string? ns)
    {
        var ct = http.RequestAborted;
        LabelSelector? selector = null;
        if (http.Request.Query["labelSelector"].ToString() is { Length: > 0 } text && !LabelSelector.TryParse(text, out selector, out var error))
        {
            await ObjectAnswer.WriteAsync(http, FailureStatus.BadRequest($"unable to parse the label selector: {error}"));
            return;
        }

        var items = new JsonArray();
        ResourceVersion version;
        await using (var db = await contexts.CreateDbContextAsync(ct))
        {
            await using var transaction = await db.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
            var connection = await db.OpenSqlAsync(ct);
            version = (await versions.MomentAsync(connection, ct)).Version;
            (string, string)? after = null;
            do
            {
                var page = await binding.ListAsync(db, new ObjectRange(ns, selector, after, Step), ct);
                var known = await versions.ReadAsync(connection, [.. page.Items.Select(i => i.VersionUid ?? i.Uid).Distinct()], ct);
                foreach (var item in page.Items) items.Add(ShownObject.Of(binding, item, known[item.VersionUid ?? item.Uid]));
                after = page.Next;
            }
            while (after is not null);
        }

        await ObjectAnswer.WriteAsync(http, 200, new JsonObject
        {
            ["kind"] = $"{binding.Definition.Kind}List",
            ["apiVersion"] = binding.Definition.ApiVersion,
            ["metadata"] = new JsonObject { ["resourceVersion"] = version.ToString() },
            ["items"] = items,
        });
    }
}
