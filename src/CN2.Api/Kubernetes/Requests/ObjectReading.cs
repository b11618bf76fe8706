using System.Data;
using System.Text.Json.Nodes;
using CN2.Api.Data;
using CN2.Api.Kubernetes.Access;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Versions;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>GET of one object.</summary>
internal sealed class ObjectReading(IDbContextFactory<CN2DbContext> contexts, ObjectVersions versions)
{
    public async Task GetAsync(HttpContext http, IObjectBinding binding, string? ns, string name)
    {
        if (FormAnswer.Refusal(http) is { } refusal)
        {
            await ObjectAnswer.WriteAsync(http, refusal);
            return;
        }

        var ct = http.RequestAborted;
        JsonObject? shown = null;
        await using (var db = await contexts.CreateDbContextAsync(ct))
        {
            await using var transaction = await db.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
            var connection = await db.OpenSqlAsync(ct);
            if (await binding.FindAsync(connection, ns, name, ct) is { } found)
            {
                var uid = found.ChangedUid;
                shown = ShownObject.Of(binding, found, (await versions.ReadAsync(connection, [uid], ct))[uid]);
                if (!ObjectVisibility.Shows(http, binding, found, shown)) shown = null;
            }
        }

        await (shown is null ? ObjectAnswer.WriteAsync(http, ObjectVisibility.Missing(http, binding, name)) : FormAnswer.WriteAsync(http, binding.Definition, 200, shown));
    }
}
