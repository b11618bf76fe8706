namespace CN2.Api.Drivers.GoBgp;

/// <summary>What a call to the engine did, and what the engine refused: paths, which are no longer wanted, and withdrawals, which are tried again.</summary>
internal sealed record SentPaths(int Added, int Withdrawn, IReadOnlyList<RefusedPath> Refused)
{
    public static readonly SentPaths None = new(0, 0, []);
}

/// <summary>
/// Sends changes to the engine. A path that the engine refuses is taken out of what is wanted, so it holds up no other; one that it refuses
/// to withdraw stays as a leaving one.
/// </summary>
internal sealed class PathSender(GoBgpEngine engine, WantedPaths wanted, ILogger logger)
{
    /// <exception cref="Grpc.Core.RpcException">The engine is away.</exception>
    public async Task<SentPaths> SendAsync(EngineTurn turn, IReadOnlyList<PathChange> changes)
    {
        if (changes.Count == 0) return SentPaths.None;
        var refusals = await engine.SendAsync(changes, PathMapper.Encode, turn.Lost);
        var withdrawn = changes.Count(c => c.IsWithdraw) - refusals.Count(r => r.Item.IsWithdraw);
        var added = changes.Count - refusals.Count - withdrawn;
        return refusals.Count == 0 ? new(added, withdrawn, []) : await LeaveOutAsync(turn, refusals) with { Added = added, Withdrawn = withdrawn };
    }

    private async Task<SentPaths> LeaveOutAsync(EngineTurn turn, IReadOnlyList<EngineRefusal<PathChange>> refusals)
    {
        var refused = new List<RefusedPath>();
        var earlier = new List<PathChange>();
        foreach (var ((key, path, isWithdraw), reason) in refusals)
        {
            logger.PathRefused(key.ToString(), path.NextHop.Address.ToString(), isWithdraw ? "to withdraw" : "to add", reason);
            if (isWithdraw)
            {
                if (!wanted.Contains(turn, key, path.NextHop.Address)) refused.Add(wanted.PutBack(turn, key, path, $"The BGP engine refuses to withdraw this path: {reason}."));
                continue;
            }
            refused.Add(new(PathMapper.ToBgpPath(key, path).Key, $"The BGP engine refuses this path: {reason}."));
            // An earlier version of it may be in the engine.
            if (wanted.Remove(turn, key, path.NextHop.Address) is { } withdraw) earlier.Add(withdraw);
        }
        await engine.SendAsync(earlier, PathMapper.Encode, turn.Lost);
        return new(0, 0, refused);
    }
}
