using CN2.Simulation.Tests.Scheduling;

namespace CN2.Simulation.Tests.Nodes;

/// <summary>One direction of a stream: what is sent arrives in order, after a delay, and not while packets are dropped.</summary>
internal sealed class Pipe(Scheduler scheduler, Random random)
{
    private readonly Queue<Action> _messages = new();
    private bool _isBlocked;
    private bool _isClosed;
    private long _last;

    /// <summary>Messages whose time has come and that wait for the end of the block.</summary>
    private int _late;

    public bool IsBlocked
    {
        get => _isBlocked;
        set
        {
            _isBlocked = value;
            if (value) return;
            for (; _late > 0; _late--) scheduler.After(TimeSpan.Zero, Arrive);
        }
    }

    public void Send(Action message)
    {
        _messages.Enqueue(message);
        _last = Math.Max(_last, scheduler.Now + (random.Next(5) == 0 ? TimeSpan.FromMilliseconds(random.Next(80)).Ticks : 0));
        scheduler.After(TimeSpan.FromTicks(_last - scheduler.Now), Arrive);
    }

    public void Close()
    {
        _isClosed = true;
        _messages.Clear();
    }

    private void Arrive()
    {
        if (_isClosed) return;
        if (_isBlocked) _late++;
        else if (_messages.TryDequeue(out var message)) message();
    }
}
