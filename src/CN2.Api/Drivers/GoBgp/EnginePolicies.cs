using Grpc.Core;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// The engine's policies: what enters its table (<see cref="WantedPolicy.Import"/>), and what leaves to routers: the well-known communities, one policy
/// for each limited router, and at their end the <see cref="Fence"/>, beyond which nothing leaves. For the holder of the turn.
/// </summary>
internal sealed class EnginePolicies(Wire.GobgpApi.GobgpApiClient client)
{
    /// <summary>The engine's name for its main table (others belong to route server clients).</summary>
    private const string GlobalTable = "global";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private static readonly Wire.DefinedType[] SetTypes =
        [Wire.DefinedType.Prefix, Wire.DefinedType.Neighbor, Wire.DefinedType.Community, Wire.DefinedType.ExtCommunity, Wire.DefinedType.LargeCommunity];

    /// <summary>What may leave to routers; null: it was not said, and the engine keeps the fence that it has.</summary>
    public FencePolicy? Fence { get; set; }

    /// <summary>How often a fence was put in the place of another one.</summary>
    public int ReplacedFences { get; private set; }

    /// <summary>How often <see cref="EnsureAsync"/> found and replaced an assignment that this server had not made.</summary>
    public int ReplacedAssignments { get; private set; }

    /// <summary>
    /// Policies of somebody else, or none, were in force: routers may have what they must not have, or lack something. <see cref="PolicyAudit"/> sends it as it should be,
    /// and takes this back then.
    /// </summary>
    public bool OwesResend { get; set; }

    /// <summary>The export assignments that this run has made or begun to make last, in words; empty: none yet.</summary>
    private readonly HashSet<string> _own = [];

    /// <summary>The engine was started by this run and has no policies yet.</summary>
    private bool _isNew;

    private static DateTime Deadline => DateTime.UtcNow + Patience;

    /// <summary>The engine was just started: it has told no router anything, whatever its policies are.</summary>
    public void EngineStarted() => (_isNew, OwesResend) = (true, false);

    /// <summary>
    /// Makes and assigns the policies that are not assigned. What stands under their names is taken to be right: see <see cref="DifferencesAsync"/>. True when
    /// the import policy was missing, so that routes of peers may be in the table.
    /// </summary>
    /// <param name="exactly">False: policies of other limited routers stay, because paths may carry their markers.</param>
    public async Task<bool> EnsureAsync(IReadOnlyList<LimitedPeer> limits, bool exactly, CancellationToken cancellationToken)
    {
        var (import, export) = await ReadAsync(cancellationToken);
        var hasImport = import is { DefaultAction: Wire.RouteAction.Reject, Policies: [{ } only] } && only.Name == WantedPolicy.Import.Name;
        if (!hasImport)
        {
            await AddAsync(WantedPolicy.Import, cancellationToken);
            await AssignAsync([WantedPolicy.Import.Name], Wire.PolicyDirection.Import, Wire.RouteAction.Reject, cancellationToken);
        }

        var assigned = export?.Policies.Select(p => p.Name).ToList() ?? [];
        var general = WantedPolicy.Export([]);
        List<string> exports = [general.Name, .. limits.Select(WantedPolicy.NameOf)];
        if (!exactly) exports.AddRange(assigned.Where(p => p.StartsWith(WantedPolicy.LimitPrefix, StringComparison.Ordinal)).Except(exports).ToList());
        // It stands last, because what it accepts is asked nothing more.
        var fences = assigned.Where(p => p.StartsWith(FencePolicy.Prefix, StringComparison.Ordinal)).ToList();
        exports.AddRange(Fence is null ? fences : [Fence.Name]);
        var isOwn = _isNew || (hasImport && IsOwn(export, assigned));
        var otherwise = Fence is not null || fences.Count > 0 ? Wire.RouteAction.Reject : Wire.RouteAction.Accept;
        if (Fence is not null && !fences.Contains(Fence.Name)) await AddAsync(Fence.Wanted, cancellationToken);
        if (!assigned.Contains(general.Name)) await AddAsync(general, cancellationToken);
        foreach (var limited in limits.Where(l => !assigned.Contains(WantedPolicy.NameOf(l)))) await AddAsync(WantedPolicy.Of(limited), cancellationToken);
        var isAssigned = exports.SequenceEqual(assigned) && export?.DefaultAction == otherwise;
        if (!isOwn && !(hasImport && isAssigned && _own.Count > 0))
        {
            // Before it is replaced: afterwards nothing shows it any more.
            ReplacedAssignments++;
            OwesResend = true;
        }
        var own = InWords(exports, otherwise);
        _own.Add(own);
        if (!isAssigned) await AssignAsync(exports, Wire.PolicyDirection.Export, otherwise, cancellationToken);
        _own.RemoveWhere(o => o != own);
        _isNew = false;
        foreach (var old in fences.Except(exports).ToList())
        {
            ReplacedFences++;
            await DeleteFenceAsync(old, cancellationToken);
        }
        return !hasImport;
    }

    /// <summary>What of the policies is not as this server made it, in words; empty when nothing is. Nothing is compared before the fence is known.</summary>
    /// <param name="limits">The limited routers.</param>
    /// <param name="exactly">No policy of another limited router may be assigned.</param>
    /// <param name="externalPeers">The external peers that the engine has.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<IReadOnlyList<string>> DifferencesAsync(
        IReadOnlyList<LimitedPeer> limits, bool exactly, IReadOnlyCollection<System.Net.IPAddress> externalPeers, CancellationToken cancellationToken)
    {
        if (Fence is null) return [];
        var (import, export) = await ReadAsync(cancellationToken);
        var differences = new List<string>();
        var wanted = Exports(limits, externalPeers);
        Compare("import", import, [WantedPolicy.Import]);
        Compare("export", export, wanted);
        foreach (var set in await DifferingSetsAsync(wanted, cancellationToken)) differences.Add($"set {set}");
        return differences;

        void Compare(string direction, Wire.PolicyAssignment? actual, IReadOnlyList<WantedPolicy> policies)
        {
            if (actual?.DefaultAction != Wire.RouteAction.Reject) differences.Add($"default action of {direction}");
            var assigned = actual?.Policies.Where(p => exactly || !p.Name.StartsWith(WantedPolicy.LimitPrefix, StringComparison.Ordinal) || policies.Any(w => w.Name == p.Name)).ToList() ?? [];
            if (!assigned.Select(p => p.Name).SequenceEqual(policies.Select(p => p.Name))) differences.Add($"assignment of {direction}");
            foreach (var policy in policies)
                if (assigned.Find(p => p.Name == policy.Name) is { } found && !PolicyComparison.Equal(policy.Policy, found)) differences.Add($"policy {policy.Name}");
        }
    }

    /// <summary>Makes all policies anew. Meanwhile nothing new leaves to routers, and nothing of theirs enters: afterwards the resend is owed, also if this fails half way.</summary>
    public async Task RestoreAsync(IReadOnlyList<LimitedPeer> limits, IReadOnlyCollection<System.Net.IPAddress> externalPeers, CancellationToken cancellationToken)
    {
        var exports = Exports(limits, externalPeers);
        OwesResend = true;
        _own.Add(InWords([], Wire.RouteAction.Reject));
        _own.Add(InWords(exports.Select(p => p.Name), Wire.RouteAction.Reject));
        await AssignAsync([], Wire.PolicyDirection.Import, Wire.RouteAction.Reject, cancellationToken);
        await AssignAsync([], Wire.PolicyDirection.Export, Wire.RouteAction.Reject, cancellationToken);
        foreach (var policy in exports.Prepend(WantedPolicy.Import))
        {
            await TryAsync(client.DeletePolicyAsync(new() { Policy = new() { Name = policy.Name }, All = true }, deadline: Deadline, cancellationToken: cancellationToken));
            foreach (var statement in policy.Policy.Statements)
                await TryAsync(client.DeleteStatementAsync(new() { Statement = new() { Name = statement.Name }, All = true }, deadline: Deadline, cancellationToken: cancellationToken));
            foreach (var set in policy.Sets)
                await TryAsync(client.DeleteDefinedSetAsync(new() { DefinedSet = new() { DefinedType = set.DefinedType, Name = set.Name }, All = true }, deadline: Deadline, cancellationToken: cancellationToken));
            foreach (var set in policy.Sets) await AddSetAsync(set, cancellationToken);
            if (await TryAsync(client.AddPolicyAsync(new() { Policy = policy.Policy }, deadline: Deadline, cancellationToken: cancellationToken))) continue;
            // A policy of somebody else holds a statement, as it is. The others were made or not: one after another.
            foreach (var statement in policy.Policy.Statements)
            {
                var one = new Wire.Policy { Name = policy.Name, Statements = { statement } };
                if (!await TryAsync(client.AddPolicyAsync(new() { Policy = one }, deadline: Deadline, cancellationToken: cancellationToken)))
                    await TryAsync(client.AddPolicyAsync(new() { Policy = one, ReferExistingStatements = true }, deadline: Deadline, cancellationToken: cancellationToken));
            }
        }
        await AssignAsync([WantedPolicy.Import.Name], Wire.PolicyDirection.Import, Wire.RouteAction.Reject, cancellationToken);
        await AssignAsync(exports.Select(p => p.Name), Wire.PolicyDirection.Export, Wire.RouteAction.Reject, cancellationToken);
    }

    public Task AddExternalPeerAsync(System.Net.IPAddress address, CancellationToken cancellationToken) =>
        AddSetAsync(WantedPolicy.Set(Wire.DefinedType.Neighbor, WantedPolicy.ExternalPeers, [address]), cancellationToken);

    public async Task RemoveExternalPeerAsync(System.Net.IPAddress address, CancellationToken cancellationToken) =>
        await client.DeleteDefinedSetAsync(
            new() { DefinedSet = WantedPolicy.Set(Wire.DefinedType.Neighbor, WantedPolicy.ExternalPeers, [address]) }, deadline: Deadline, cancellationToken: cancellationToken);

    /// <summary>
    /// This run has made the assignment. One that an earlier run made is known by its fence: nothing leaves beyond it. Without one, somebody may have taken it away
    /// while no server ran.
    /// </summary>
    private bool IsOwn(Wire.PolicyAssignment? export, List<string> assigned) =>
        _own.Count > 0
            ? _own.Contains(InWords(assigned, export?.DefaultAction ?? Wire.RouteAction.None))
            : export?.DefaultAction == Wire.RouteAction.Reject && assigned.Count > 1
                && assigned[0] == WantedPolicy.Export([]).Name && assigned[^1].StartsWith(FencePolicy.Prefix, StringComparison.Ordinal)
                && assigned[1..^1].TrueForAll(p => p.StartsWith(WantedPolicy.LimitPrefix, StringComparison.Ordinal));

    private static string InWords(IEnumerable<string> policies, Wire.RouteAction otherwise) => $"{string.Join(' ', policies)} {otherwise}";

    private List<WantedPolicy> Exports(IReadOnlyList<LimitedPeer> limits, IReadOnlyCollection<System.Net.IPAddress> externalPeers) =>
        [WantedPolicy.Export(externalPeers), .. limits.Select(WantedPolicy.Of), Fence!.Wanted];

    private async Task<(Wire.PolicyAssignment? Import, Wire.PolicyAssignment? Export)> ReadAsync(CancellationToken cancellationToken)
    {
        using var call = client.ListPolicyAssignment(new() { Name = GlobalTable }, deadline: Deadline, cancellationToken: cancellationToken);
        Wire.PolicyAssignment? import = null, export = null;
        await foreach (var response in call.ResponseStream.ReadAllAsync(cancellationToken))
        {
            if (response.Assignment.Direction == Wire.PolicyDirection.Import) import = response.Assignment;
            else if (response.Assignment.Direction == Wire.PolicyDirection.Export) export = response.Assignment;
        }
        return (import, export);
    }

    private async Task<IReadOnlyList<string>> DifferingSetsAsync(IReadOnlyList<WantedPolicy> policies, CancellationToken cancellationToken)
    {
        var actual = new Dictionary<(Wire.DefinedType, string), Wire.DefinedSet>();
        foreach (var type in SetTypes)
            foreach (var set in await ListSetsAsync(type, cancellationToken)) actual[(type, set.Name)] = set;
        return [.. policies.SelectMany(p => p.Sets).Where(s => !actual.TryGetValue((s.DefinedType, s.Name), out var found) || !PolicyComparison.Has(found, s)).Select(s => s.Name)];
    }

    private async Task<List<Wire.DefinedSet>> ListSetsAsync(Wire.DefinedType type, CancellationToken cancellationToken)
    {
        using var call = client.ListDefinedSet(new() { DefinedType = type }, deadline: Deadline, cancellationToken: cancellationToken);
        var sets = new List<Wire.DefinedSet>();
        await foreach (var response in call.ResponseStream.ReadAllAsync(cancellationToken)) sets.Add(response.DefinedSet);
        return sets;
    }

    private async Task AddSetAsync(Wire.DefinedSet set, CancellationToken cancellationToken) =>
        await client.AddDefinedSetAsync(new() { DefinedSet = set }, deadline: Deadline, cancellationToken: cancellationToken);

    /// <summary>A policy that exists already is only not assigned (StopBgp keeps policies). If it was refused for another reason, assigning it fails.</summary>
    private async Task AddAsync(WantedPolicy policy, CancellationToken cancellationToken)
    {
        foreach (var set in policy.Sets) await AddSetAsync(set, cancellationToken);
        await TryAsync(client.AddPolicyAsync(new() { Policy = policy.Policy }, deadline: Deadline, cancellationToken: cancellationToken));
    }

    /// <summary>What is not assigned any more only takes memory: that the engine does not delete it is no fault.</summary>
    private async Task DeleteFenceAsync(string name, CancellationToken cancellationToken)
    {
        await TryAsync(client.DeletePolicyAsync(new() { Policy = new() { Name = name }, All = true }, deadline: Deadline, cancellationToken: cancellationToken));
        foreach (var type in SetTypes)
            foreach (var set in (await ListSetsAsync(type, cancellationToken)).Where(s => s.Name.StartsWith(name, StringComparison.Ordinal)))
                await TryAsync(client.DeleteDefinedSetAsync(new() { DefinedSet = new() { DefinedType = type, Name = set.Name }, All = true }, deadline: Deadline, cancellationToken: cancellationToken));
    }

    /// <summary>The engine refuses what is there already, and to delete what is not there or in use: false.</summary>
    private static async Task<bool> TryAsync<T>(AsyncUnaryCall<T> call)
    {
        try
        {
            await call;
            return true;
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.Unknown or StatusCode.InvalidArgument or StatusCode.NotFound)
        {
            return false;
        }
    }

    private async Task AssignAsync(
        IEnumerable<string> policies, Wire.PolicyDirection direction, Wire.RouteAction otherwise, CancellationToken cancellationToken) =>
        await client.SetPolicyAssignmentAsync(new()
        {
            Assignment = new() { Name = GlobalTable, Direction = direction, DefaultAction = otherwise, Policies = { policies.Select(p => new Wire.Policy { Name = p }) } },
        }, deadline: Deadline, cancellationToken: cancellationToken);
}
