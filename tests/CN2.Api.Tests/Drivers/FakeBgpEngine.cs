using CN2.Api.Drivers;

namespace CN2.Api.Tests.Drivers;

/// <summary>The table behind one or more successive <see cref="FakeBgpSpeaker"/>s.</summary>
internal sealed class FakeBgpEngine
{
    public Dictionary<BgpPathKey, BgpPath> Paths { get; } = [];

    public bool Running { get; private set; } = true;

    /// <summary>Raised after a change of the engine that the speaker did not make; true: it was restarted empty.</summary>
    public event Action<bool>? Touched;

    public void Kill()
    {
        Running = false;
        Paths.Clear();
        Touched?.Invoke(false);
    }

    /// <summary>It answers no call any more, and its peers keep what it has announced. <see cref="Start"/> ends that.</summary>
    public void Hang()
    {
        Running = false;
        Touched?.Invoke(false);
    }

    public void Start()
    {
        Running = true;
        Touched?.Invoke(true);
    }

    public void DeleteByHand(BgpPathKey key)
    {
        Paths.Remove(key);
        Touched?.Invoke(false);
    }

    public void AddByHand(BgpPath path)
    {
        Paths[path.Key] = path;
        Touched?.Invoke(false);
    }
}
