using System.ComponentModel;
using CN2.Network.Addressing;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>
/// Tables that are not in force, because somebody has flushed them or nobody has made them yet, have nothing to keep, so speed counts. nft reads text for most of the time of
/// a replacement in one transaction. Here it reads the rules only, into tables that are dormant: no packet meets them. The elements follow as the kernel takes them, and
/// the last transaction wakes the tables, so nothing half built ever handles a packet.
/// </summary>
public sealed partial class NftDataplane
{
    /// <summary>Somebody who flushes the tables may do it twice, as a restart of nftables.service does; each time they are built anew.</summary>
    private const int RebuildAttempts = 3;

    /// <summary>Builds the tables that are not in force; they hold these contents then.</summary>
    /// <returns>Whether that is all. If not, nothing is half built, and everything must be replaced in one transaction.</returns>
    /// <exception cref="TimeoutException">nft did not end in time.</exception>
    private async Task<bool> TryRebuildAsync(NftContents contents)
    {
        var built = new HashSet<IPFamily>();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                List<IPFamily> families = [.. NftRuleset.Families.Where(f => !NftTables.IsInForce(_options.Table, f))];
                if (families.Count == 0) return built.Count == NftRuleset.Families.Count;
                built.ExceptWith(families);
                await BuildAsync(contents, families);
                built.UnionWith(families);
                // A table that was flushed meanwhile is in the kernel, and empty.
                if (families.All(f => NftTables.IsInForce(_options.Table, f)))
                {
                    LogRebuilt(families.Count);
                    return built.Count == NftRuleset.Families.Count;
                }
            }
            catch (Exception e) when (e is DataplaneException or Win32Exception)
            {
                if (attempt == RebuildAttempts || e is not Win32Exception { NativeErrorCode: Host.Posix.NoEntry })
                {
                    LogNotRebuilt(e.Message);
                    return false;
                }
            }

            if (attempt == RebuildAttempts) return false;
            // What has changed is looked at again now; what was built may have been changed too.
            _drifted = false;
            built.Clear();
        }
    }

    /// <exception cref="Win32Exception">The kernel refuses something, or somebody has removed a table (ENOENT). Nothing is left half built.</exception>
    /// <exception cref="DataplaneException">nft refuses the rules. Nothing is left half built.</exception>
    private async Task BuildAsync(NftContents contents, List<IPFamily> families)
    {
        using var batch = new NftBatch();
        foreach (var family in families) Delete(batch, family);
        try
        {
            await CommitAsync(contents.Rules(_options, families));
            var loader = new NftLoader(batch, _options.Table, () => Commit(batch));
            foreach (var element in contents.Elements(_options.Table))
            {
                if (NftEncoding.Knows(element.Set) && families.Contains(element.Family)) loader.Add(element);
            }

            loader.Finish();
            foreach (var family in families) NftTables.AddWaking(batch, _options.Table, family);
            Commit(batch);
        }
        catch (Exception e) when (e is DataplaneException or Win32Exception)
        {
            using var cleaning = new NftBatch();
            foreach (var family in families) Delete(cleaning, family);
            throw;
        }
    }

    /// <summary>Removes the family's table, if there is one.</summary>
    private void Delete(NftBatch batch, IPFamily family)
    {
        NftTables.AddDeletion(batch, _options.Table, family);
        try
        {
            Commit(batch);
        }
        catch (Win32Exception e) when (e.NativeErrorCode == Host.Posix.NoEntry)
        {
            // Somebody has removed it.
        }
    }

    private void Commit(NftBatch batch)
    {
        _monitor.Own(batch.Port);
        try
        {
            batch.Send();
        }
        catch (Win32Exception)
        {
            _monitor.Refused(batch.Port);
            throw;
        }
    }

    [LoggerMessage(22, LogLevel.Information, "{Count} tables that were not in force are built and in force.")]
    private partial void LogRebuilt(int count);

    [LoggerMessage(21, LogLevel.Information, "The tables could not be built in steps ({Reason}); they are replaced in one transaction.")]
    private partial void LogNotRebuilt(string reason);
}
