using System.Runtime.InteropServices;
using CN2.VRouter.Host;

namespace CN2.VRouter.Overlay.Native;

/// <summary>A level-triggered epoll set that other threads can wake.</summary>
internal sealed unsafe class EventLoop : IDisposable
{
    /// <summary>The key of a wake-up.</summary>
    public const int Wake = -1;

    private const int Add = 1;
    private const int Delete = 2;
    private const int MostEvents = 64;

    // struct epoll_event is packed on x86-64 and nowhere else.
    private static readonly int KeyOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int EventLength = KeyOffset + 8;

    private readonly byte* _events = (byte*)NativeMemory.AllocZeroed(MostEvents, 16);
    private readonly int _epoll;
    private readonly int _wake;

    public EventLoop()
    {
        _epoll = Posix.EpollCreate(Posix.CloseOnExec);
        if (_epoll < 0) throw PosixException.Last("epoll");
        _wake = Posix.EventDescriptor(0, Posix.NonBlocking | Posix.CloseOnExec);
        if (_wake < 0) throw PosixException.Last("eventfd");
        Watch(_wake, Wake);
    }

    /// <summary>Callable from any thread. A descriptor that is already in the set is no error.</summary>
    public void Watch(int descriptor, int key)
    {
        var @event = stackalloc byte[16];
        *(uint*)@event = Posix.PollIn;
        *(long*)(@event + KeyOffset) = key;
        if (Posix.EpollControl(_epoll, Add, descriptor, @event) < 0 && Marshal.GetLastPInvokeError() != Posix.Exists) throw PosixException.Last("epoll");
    }

    /// <summary>Callable from any thread. A descriptor that is not in the set is no error.</summary>
    public void Forget(int descriptor)
    {
        var @event = stackalloc byte[16];
        _ = Posix.EpollControl(_epoll, Delete, descriptor, @event);
    }

    /// <summary>Callable from any thread. The current or next <see cref="Wait"/> returns.</summary>
    public void WakeUp()
    {
        var one = 1L;
        _ = Posix.Write(_wake, (byte*)&one, sizeof(long));
    }

    /// <summary>Waits until something is ready; returns the number of events for <see cref="Key"/>.</summary>
    public int Wait() => Math.Max(Posix.EpollWait(_epoll, _events, MostEvents, -1), 0);

    public int Key(int index)
    {
        var key = (int)*(long*)(_events + (index * EventLength) + KeyOffset);
        if (key != Wake) return key;
        long value;
        _ = Posix.Read(_wake, (byte*)&value, sizeof(long));
        return Wake;
    }

    public void Dispose()
    {
        _ = Posix.Close(_epoll);
        _ = Posix.Close(_wake);
        NativeMemory.Free(_events);
    }
}
