using System.Net;
using CN2.Api.Http;
using CN2.Network.Resources;

namespace CN2.Api.Audit;

/// <summary>
/// Refusals of callers that did not prove who they are, added up as they come: those of one source with one code are one entry, that of the first. A storm
/// of them so takes nothing from the refusals of callers that are known, neither memory nor rows.
/// </summary>
internal sealed class StrangersRefusals
{
    private readonly Lock _lock = new();
    private Dictionary<(IPAddress Source, int Status, string? Code), AuditEntry> _entries = [];

    /// <summary>False: there are as many as there may be, and this is of another source or code.</summary>
    public bool TryAdd(AuditEntry entry)
    {
        var key = (Callers.Of(entry.Origin.Source), entry.Status, entry.Code);
        lock (_lock)
        {
            if (_entries.TryGetValue(key, out var first)) _entries[key] = first with { Repeated = first.Repeated + 1 };
            else if (_entries.Count < Limits.AuditedStrangers) _entries[key] = entry;
            else return false;
            return true;
        }
    }

    /// <summary>What there is, and from now on nothing.</summary>
    public IReadOnlyCollection<AuditEntry> Take()
    {
        lock (_lock)
        {
            var taken = _entries.Values;
            _entries = [];
            return taken;
        }
    }
}
