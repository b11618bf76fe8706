using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Json;
using CN2.Network.Status;

namespace CN2.Api.Services;

/// <summary>The conditions of a Service as answered: those the leader wrote last, but Allocated from the rows as they are now.</summary>
internal static class ServiceConditions
{
    public static IReadOnlyList<ConditionBody> Of(ServiceRow row, ServiceSpec spec, bool hasExternal, bool bgpEnabled, IReadOnlyList<ConditionBody>? written)
    {
        var now = ServiceStatusCompiler.Compile(new ServiceFacts
        {
            Generation = row.Generation,
            Deleting = row.DeletingAt is not null,
            Type = spec.Type,
            PendingReason = row.PendingReason,
            PendingMessage = row.PendingMessage,
            HasExternal = hasExternal,
            BgpEnabled = bgpEnabled,
        });
        if (written is null) return [.. now.Conditions.Select(c => ConditionBody.From(c, row.UpdatedAt))];
        var allocated = now[ConditionType.Allocated];
        return [.. written.Select(c => c.Type == ConditionType.Allocated && (c.Status != allocated.Status.ToString() || c.Reason != allocated.Reason) ? ConditionBody.From(allocated, row.UpdatedAt) : c)];
    }
}
