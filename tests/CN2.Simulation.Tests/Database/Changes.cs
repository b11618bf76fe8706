using CN2.Api.Data.Rows;

namespace CN2.Simulation.Tests.Database;

/// <summary>The change rows of one transaction.</summary>
internal sealed class Changes
{
    public List<ChangeRow> Rows { get; } = [];

    public void Add(ResourceKind kind, string? ns, string name, Guid uid, ChangeVerb verb, bool statusOnly = false) =>
        Rows.Add(new ChangeRow { Kind = kind, Namespace = ns, Name = name, Uid = uid, Verb = verb, StatusOnly = statusOnly });
}
