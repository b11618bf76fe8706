namespace CN2.Api.Kubernetes.Wire;

/// <summary>Walks over the fields of one protobuf message. Nothing it does throws; a message that is cut off or malformed is <see cref="IsBroken"/>.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;

    /// <summary>It is no protobuf message.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>The number of the field that was read.</summary>
    public int Number { get; private set; }

    /// <summary>Its bytes, of a string or a message; else empty, and <see cref="IsBytes"/> is false.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    public bool IsBytes { get; private set; }

    /// <summary>Its value, of a number.</summary>
    public ulong Varint { get; private set; }

    /// <summary>Goes to the next field.</summary>
    /// <returns>False: there is none, or the message is broken.</returns>
    public bool Next()
    {
        if (_rest.IsEmpty || IsBroken) return false;
        var tag = ReadVarint();
        Number = (int)Math.Min(tag >> 3, int.MaxValue);
        Bytes = default;
        IsBytes = false;
        Varint = 0;
        switch (tag & 7)
        {
            case 0:
                Varint = ReadVarint();
                break;
            case 1:
                Take(8);
                break;
            case 2:
                Bytes = Take(ReadVarint());
                IsBytes = true;
                break;
            case 5:
                Take(4);
                break;
            default:
                IsBroken = true; // groups are used nowhere
                break;
        }

        if (Number == 0) IsBroken = true;
        return !IsBroken;
    }

    /// <summary>Reads the next number of a packed list.</summary>
    public bool NextPacked()
    {
        if (_rest.IsEmpty || IsBroken) return false;
        Varint = ReadVarint();
        return !IsBroken;
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (var i = 0; i < 10 && i < _rest.Length; i++)
        {
            value |= (ulong)(_rest[i] & 0x7f) << (7 * i);
            if (_rest[i] >= 0x80) continue;
            _rest = _rest[(i + 1)..];
            return value;
        }

        IsBroken = true;
        return 0;
    }

    private ReadOnlySpan<byte> Take(ulong length)
    {
        if (IsBroken || length > (ulong)_rest.Length)
        {
            IsBroken = true;
            return default;
        }

        var taken = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return taken;
    }
}
