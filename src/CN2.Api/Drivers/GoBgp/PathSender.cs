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
    /// <param name="mayWithdraw">False: a withdrawal would not reach every router that may have the path, so a refused one stays as a leaving one.</param>
    /// <exception cref="Grpc.Core.RpcException">The engine is away.</exception>
    public async Task<SentPaths> SendAsync(EngineTurn turn, IReadOnlyList<PathChange> changes, bool mayWithdraw = false)
    {
        if (changes.Count == 0) return SentPaths.None;
        wanted.Numbers.NoteSending(turn, changes);
        var refusals = await engine.SendAsync(changes, PathMapper.Encode, turn.Lost);
        var withdrawn = changes.Count(c => c.IsWithdraw) - refusals.Count(r => r.Item.IsWithdraw);
        var added = changes.Count - refusals.Count - withdrawn;
        if (refusals.Count == 0) return new(added, withdrawn, []);
        wanted.Numbers.DoubtNumbers(turn, changes, refusals.Select(r => r.Item.Key));
        return await LeaveOutAsync(turn, refusals, mayWithdraw) with { Added = added, Withdrawn = withdrawn };
    }

    private async Task<SentPaths> LeaveOutAsync(EngineTurn turn, IReadOnlyList<EngineRefusal<PathChange>> refusals, bool mayWithdraw)
    {
        var refused = new List<RefusedPath>();
        var earlier = new List<PathChange>();
        foreach (var (change, reason) in refusals)
        {
            var (key, path, isWithdraw) = change;
            logger.PathRefused(key.ToString(), path.NextHop.Address.ToString(), isWithdraw ? "to withdraw" : "to add", reason);
            if (isWithdraw)
            {
                if (!wanted.Contains(turn, key, path.NextHop.Address)) refused.Add(wanted.PutBack(turn, key, path, $"The BGP engine refuses to withdraw this path: {reason}."));
                continue;
            }
            refused.Add(new(PathMapper.ToBgpPath(key, path).Key, $"The BGP engine refuses this path: {reason}."));
            // An earlier version of it may be in the engine, and at routers.
            if (!mayWithdraw && !change.IsNew && path.WireIdentifier > 0 && wanted.LeaveRefused(turn, key, path.NextHop.Address) is { } leaving)
            {
                earlier.Add(leaving);
                refused.Add(new(PathMapper.ToBgpPath(key, path).Key, WantedPaths.LeavingReason, IsWithdrawal: true));
            }
            else if (wanted.Remove(turn, key, path.NextHop.Address) is { } withdraw) earlier.Add(withdraw);
        }
        await engine.SendAsync(earlier, PathMapper.Encode, turn.Lost);
        return new(0, 0, refused);
    }
}
