using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace CN2.VRouter.Nft;

/// <summary>Ends the flows that must not outlive a change of the tables. All of it happens in the turn (<c>_turn</c>).</summary>
public sealed partial class NftDataplane
{
    /// <summary>
    /// After a reading of the table of flows that took longer than this there is a pause; what changes meanwhile is judged together after it. What may wait pauses
    /// after every reading: an empty table with 262,144 buckets takes the kernel 10 ms.
    /// </summary>
    private static readonly TimeSpan LongReading = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(2);
    private const int Rest = 20;

    /// <summary>What this call, and calls whose flows could not be ended, have changed: one reading of the table of flows for all of it.</summary>
    private EndingFlows _ending = new();
    private readonly FlowOwners _owners = new();

    /// <summary>The last reading: when it ended (<see cref="Stopwatch.GetTimestamp"/>), and how long what must not wait pauses after it, and what may.</summary>
    private (long Ended, TimeSpan Pause, TimeSpan LongPause) _reading;

    /// <summary>When the next postponed reading is due (<see cref="Stopwatch.GetTimestamp"/>); null: none is.</summary>
    private long? _due;

    /// <summary>
    /// Now, or right after this call where the flows may follow it, or within <see cref="LongestRest"/> where the table is large, or where the flows may wait: one change
    /// of many must not cost a reading each, nor wait for it.
    /// </summary>
    /// <param name="isLater">It is the postponed reading.</param>
    private void EndFlowsInTime(bool isLater = false)
    {
        if (_contents is not { } contents || _ending.IsEmpty) return;
        var wait = (_ending.MayWait ? _reading.LongPause : _reading.Pause) - Stopwatch.GetElapsedTime(_reading.Ended);
        if (wait <= TimeSpan.Zero && (isLater || !_ending.MayFollow))
        {
            var began = Stopwatch.GetTimestamp();
            var isDone = EndFlows(contents);
            var took = Stopwatch.GetElapsedTime(began);
            var rest = isDone && Rest * took < LongestRest ? Rest * took : LongestRest;
            _reading = (Stopwatch.GetTimestamp(), isDone && took < LongReading ? TimeSpan.Zero : rest, rest);
            if (isDone) return;
            wait = rest;
        }

        if (wait < TimeSpan.Zero) wait = TimeSpan.Zero;
        var due = Stopwatch.GetTimestamp() + (long)(wait.TotalSeconds * Stopwatch.Frequency);
        // What must not wait does not wait for what may.
        if (_due <= due) return;
        _due = due;
        _ = EndFlowsLaterAsync(wait, due);
    }

    private async Task EndFlowsLaterAsync(TimeSpan wait, long due)
    {
        try
        {
            await Task.Delay(wait);
            await _turn.WaitAsync();
            try
            {
                // An earlier one has taken its place, and has done its work.
                if (_due != due) return;
                _due = null;
                EndFlowsInTime(isLater: true);
            }
            finally
            {
                _turn.Release();
            }
        }
        catch (ObjectDisposedException)
        {
            // The agent ends; the next one looks for flows when it starts.
        }
    }

    /// <summary>False: the kernel does not answer, and it is tried again.</summary>
    private bool EndFlows(NftContents contents)
    {
        try
        {
            var stale = new StaleFlows(contents, _ending, new Lazy<HashSet<IPAddress>>(NodeAddresses));
            foreach (var family in NftRuleset.Families)
            {
                if (!_ending.Concerns(family)) continue;
                var ended = Netlink.ConntrackTable.DeleteWhere(family, stale.Contains);
                if (ended > 0) LogEnded(ended);
            }

            _ending = new EndingFlows();
            return true;
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            // The entries are correct. An interface of the node that goes while the addresses are read is such an error too (NetworkInformationException).
            LogNotEnded(e.Message);
            return false;
        }
    }

    private static HashSet<IPAddress> NodeAddresses() =>
        [.. NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => WithoutScope(a.Address))];

    private static IPAddress WithoutScope(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 && address.ScopeId != 0 ? new IPAddress(address.GetAddressBytes()) : address;
}
