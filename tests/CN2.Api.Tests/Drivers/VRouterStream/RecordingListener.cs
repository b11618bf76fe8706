using System.Threading.Channels;
using CN2.Api.Drivers;
using CN2.Network.Resources;

namespace CN2.Api.Tests.Drivers.VRouterStream;

/// <summary>Writes down what agents told, as lines.</summary>
internal sealed class RecordingListener : IVRouterListener
{
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

    public void Connected(VRouterHello hello) => _lines.Writer.TryWrite(
        $"connected {hello.Name} {hello.Address} {hello.Address6} {hello.AgentVersion} {hello.OverlayEngine}".Replace("  ", " ", StringComparison.Ordinal).TrimEnd());

    public void Disconnected(string name) => _lines.Writer.TryWrite($"disconnected {name}");

    public void Applied(string name, ulong revision, string? error, IReadOnlyList<VRouterRefusal> refused) => _lines.Writer.TryWrite(
        $"applied {name} {revision} {error}".TrimEnd() + string.Concat(refused.Select(r => $" | {r.Item}: {r.Reason}")));

    public void Health(string name, IReadOnlyList<(Guid Uid, EndpointHealth Health, string? Message)> endpoints) =>
        _lines.Writer.TryWrite($"health {name} {string.Join(", ", endpoints.Select(e => $"{e.Uid} {e.Health} {e.Message}"))}");

    public void Seen(string name, long repairs) => _lines.Writer.TryWrite($"seen {name} {repairs}");

    public void Counted(string name, VRouterOverlayCounters counters) =>
        _lines.Writer.TryWrite($"counted {name} {string.Join(", ", counters.Instances)} | {counters with { Instances = [] }}");

    public void Counted(string name, VRouterIcmpCounters counters) => _lines.Writer.TryWrite($"counted {name} {counters}");

    public void Noticed(string name, string? message) => _lines.Writer.TryWrite($"noticed {name} {message}".TrimEnd());

    /// <summary>What agents found on their nodes; it comes with every first heartbeat, so it is kept apart from the lines.</summary>
    public Channel<(string Name, IReadOnlyList<VRouterNodeFault>? Faults)> Inspections { get; } = Channel.CreateUnbounded<(string, IReadOnlyList<VRouterNodeFault>?)>();

    public void Inspected(string name, IReadOnlyList<VRouterNodeFault>? faults) => Inspections.Writer.TryWrite((name, faults));

    public async Task<string> NextAsync()
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(15));
        return await _lines.Reader.ReadAsync(timeout.Token);
    }
}
