extern alias agent;

using agent::CN2.VRouter.V1;

namespace CN2.Bench.Load;

/// <summary>Keeps the first whole snapshot that an agent gets, byte by byte. One that a broken stream has cut off is forgotten.</summary>
internal sealed class FirstWhole
{
    private readonly List<byte[]> _messages = [];
    private ulong _revision;
    private bool _isComplete;

    public IReadOnlyList<byte[]> Messages => _messages;

    /// <summary>Addresses of the drop set in it.</summary>
    public int Addresses { get; private set; }

    public long Bytes => _messages.Sum(m => (long)m.Length);

    public void Take(ReadOnlySpan<byte> bytes)
    {
        if (_isComplete) return;
        var message = FleetMessage.Read(bytes);
        if (message.Body != ServerMessage.BodyOneofCase.Snapshot) return;
        if (message.Revision != _revision)
        {
            _messages.Clear();
            (_revision, Addresses) = (message.Revision, 0);
        }

        _messages.Add(bytes.ToArray());
        Addresses += message.Addresses;
        _isComplete = message.IsComplete;
    }
}
