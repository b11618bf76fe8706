using System.Diagnostics;
using System.Threading.Channels;
using Grpc.Core;

namespace CN2.Bench.Load;

/// <summary>The sending half of one connection of a <see cref="FleetAgent"/>, and how it ended.</summary>
internal sealed class AgentStream(CancellationToken ending) : IDisposable
{
    private readonly Channel<byte[]> _outgoing = Channel.CreateUnbounded<byte[]>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(ending);
    private readonly Lock _lock = new();
    private long _heardAt = Stopwatch.GetTimestamp();
    private bool _isDisposed;

    /// <summary>When it was made (<see cref="Stopwatch.GetTimestamp"/>).</summary>
    public long BeganAt { get; } = Stopwatch.GetTimestamp();

    public CancellationToken Stop => _stop.Token;

    /// <summary>The server has sent something, and so has taken the agent.</summary>
    public bool WasTaken { get; private set; }

    /// <summary>This side has ended it as it wanted.</summary>
    public bool WasEnded { get; private set; }

    /// <summary>When something was heard of the server last (<see cref="Stopwatch.GetTimestamp"/>).</summary>
    public long HeardAt => Volatile.Read(ref _heardAt);

    /// <summary>The hello is answered; the first message may take as long from now as any other.</summary>
    public void Answered() => Volatile.Write(ref _heardAt, Stopwatch.GetTimestamp());

    /// <summary>A message of the server has come.</summary>
    public void Heard()
    {
        WasTaken = true;
        Answered();
    }

    public void Send(byte[] message) => _outgoing.Writer.TryWrite(message);

    /// <summary>It is over as this side wants.</summary>
    public void End()
    {
        WasEnded = true;
        Break();
    }

    public void EndAfter(TimeSpan time)
    {
        WasEnded = true;
        _stop.CancelAfter(time);
    }

    /// <summary>It is over, because nothing is heard or the server has ended it.</summary>
    public void Break()
    {
        lock (_lock)
        {
            if (!_isDisposed) _stop.Cancel();
        }
    }

    /// <summary>Sends what is queued, until the stream is over. What stops it is told by the reading half.</summary>
    public async Task WriteAsync(IClientStreamWriter<byte[]> stream)
    {
        try
        {
            await foreach (var message in _outgoing.Reader.ReadAllAsync(Stop)) await stream.WriteAsync(message, Stop);
        }
        catch (Exception e) when (e is OperationCanceledException or RpcException or InvalidOperationException or IOException)
        {
        }
    }

    public void Dispose()
    {
        WasEnded |= ending.IsCancellationRequested;
        lock (_lock)
        {
            _isDisposed = true;
            _stop.Dispose();
        }
    }
}
