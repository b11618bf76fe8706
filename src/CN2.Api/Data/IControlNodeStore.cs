namespace CN2.Api.Data;

/// <summary>The replicas that share a database (docs/adr/0010-stores-behind-interfaces.md).</summary>
internal interface IControlNodeStore
{
    Task<(bool Others, bool Unknown)> BeatAsync(
        ControlNodeBeat beat, string? sessions, IReadOnlyCollection<string> changedRouters, CancellationToken ct);

    Task<IReadOnlyList<(string ControlNode, string Sessions, bool IsAlive, bool TakesAgents)>> SessionsAsync(CancellationToken ct);

    Task<OpenTransaction?> OldestTransactionAsync(CancellationToken ct);

    Task ForgetGoneAsync(LeaderLease lease, TimeSpan inContact, CancellationToken ct);
}
