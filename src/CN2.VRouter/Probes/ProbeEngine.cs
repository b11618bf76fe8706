using System.Collections.Concurrent;
using CN2.Network.Resources;

namespace CN2.VRouter.Probes;

/// <summary>
/// Runs the probes of this node, spread over time and without a thread for each. It continues while there is no server.
/// <paramref name="changed"/> is called when a state changes, on any thread, and must only queue; <see cref="Known"/> returns all states.
/// </summary>
public sealed class ProbeEngine(IProber prober, HealthStore store, TimeProvider time, Action<ProbeReport> changed) : IAsyncDisposable
{
    private static readonly TimeSpan FirstWithin = TimeSpan.FromMilliseconds(200);

    private readonly ConcurrentDictionary<Guid, Running> _running = [];

    /// <summary>Every state that a probe has found or started from.</summary>
    public IReadOnlyList<ProbeReport> Known() =>
        [.. _running.Values.Where(r => r.State.Health != EndpointHealth.Unknown).Select(r => new ProbeReport(r.Target.Uid, r.State.Health, r.Message))];

    /// <summary>Probes exactly these targets from now on; an unchanged probe continues. Called by one task at a time.</summary>
    public void Set(IReadOnlyDictionary<Guid, ProbeTarget> targets)
    {
        foreach (var uid in _running.Keys)
        {
            if (!targets.ContainsKey(uid)) Stop(uid);
        }

        store.KeepOnly(targets);
        foreach (var target in targets.Values)
        {
            if (_running.TryGetValue(target.Uid, out var running))
            {
                if (SameProbe(running.Target, target))
                {
                    // The server has sent it again, so it may have missed a report.
                    if (!ReferenceEquals(running.Sent, target)) Correct(running, target);
                    continue;
                }

                // The probe has changed, for example its interval: keep the state if it still asks the same question.
                Stop(target.Uid, keep: true);
            }

            Start(target);
        }
    }

    public async ValueTask DisposeAsync()
    {
        var tasks = _running.Values.Select(r => r.Task).ToList();
        foreach (var uid in _running.Keys) Stop(uid, keep: true);
        await Task.WhenAll(tasks);
        store.Save();
    }

    internal static bool SameProbe(ProbeTarget one, ProbeTarget other) => one with { LastKnown = other.LastKnown } == other;

    private void Start(ProbeTarget target)
    {
        // What this node saw itself is newer than what it reported before.
        var start = store.Find(target) ?? target.LastKnown;
        var running = new Running(target, new ProbeState(start, target.MaxRetries));
        _running[target.Uid] = running;
        // Report it even if the server sent this state: a report of an earlier probe of this endpoint may still be on its way, and must not be the last.
        if (start != EndpointHealth.Unknown) changed(new ProbeReport(target.Uid, start, running.Message));
        running.Task = RunAsync(running);
    }

    private void Correct(Running running, ProbeTarget sent)
    {
        running.Sent = sent;
        if (running.State.Health is var health && health != EndpointHealth.Unknown && health != sent.LastKnown)
            changed(new ProbeReport(sent.Uid, health, running.Message));
    }

    private void Stop(Guid uid, bool keep = false)
    {
        if (!_running.TryRemove(uid, out var running)) return;
        running.Cancellation.Cancel();
        if (!keep) store.Forget(uid);
    }

    private async Task RunAsync(Running running)
    {
        var target = running.Target;
        var cancellation = running.Cancellation.Token;
        // An endpoint of unknown health gets no traffic before its first success, so it is probed at once.
        var within = running.State.Health == EndpointHealth.Unknown && FirstWithin < target.Delay ? FirstWithin : target.Delay;
        try
        {
            await Task.Delay(within * Random.Shared.NextDouble(), time, cancellation);
            while (true)
            {
                var result = await prober.ProbeAsync(target, cancellation);
                // The probe was stopped while it waited: its answer must not change the state of the probe that replaced it.
                cancellation.ThrowIfCancellationRequested();
                running.Message = result.Message;
                if (running.State.Take(result.Success))
                {
                    store.Set(target, running.State.Health);
                    changed(new ProbeReport(target.Uid, running.State.Health, result.Message));
                }

                await Task.Delay(target.Delay * (0.95 + (0.1 * Random.Shared.NextDouble())), time, cancellation);
            }
        }
        catch (OperationCanceledException)
        {
            running.Cancellation.Dispose();
        }
    }

    private sealed class Running(ProbeTarget target, ProbeState state)
    {
        public ProbeTarget Target { get; } = target;

        public ProbeState State => state;

        public CancellationTokenSource Cancellation { get; } = new();

        /// <summary>The probe as the server last sent it.</summary>
        public ProbeTarget Sent { get; set; } = target;

        public string Message { get; set; } = "not probed since the agent's start";

        public Task Task { get; set; } = Task.CompletedTask;
    }
}
