namespace CN2.Bench.Load;

/// <summary>Walks the fields of one protobuf message in its bytes, without making objects of them.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;

    /// <summary>The number of the field.</summary>
    public int Field { get; private set; }

    /// <summary>The value of a number; 0 of anything else.</summary>
    public ulong Number { get; private set; }

    /// <summary>The content of a message, of bytes or of a text; empty of anything else.</summary>
    public ReadOnlySpan<byte> Content { get; private set; }

    /// <summary>Goes to the next field; false: there is none.</summary>
    /// <exception cref="InvalidDataException">These bytes are no protobuf message.</exception>
    public bool Next()
    {
        if (_rest.IsEmpty) return false;
        var tag = Varint();
        Field = (int)(tag >> 3);
        Number = 0;
        Content = default;
        switch (tag & 7)
        {
            case 0:
                Number = Varint();
                return true;
            case 1:
                Take(8);
                return true;
            case 2:
                Content = Take(Varint());
                return true;
            case 5:
                Take(4);
                return true;
            default:
                throw new InvalidDataException($"wire type {tag & 7} of field {Field}");
        }
    }

    private ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)_rest.Length) throw new InvalidDataException($"field {Field} has {length} bytes, and {_rest.Length} are left");
        var taken = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return taken;
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (var i = 0; i < 10 && i < _rest.Length; i++)
        {
            value |= (ulong)(_rest[i] & 0x7f) << (7 * i);
            if (_rest[i] >= 0x80) continue;
            _rest = _rest[(i + 1)..];
            return value;
        }

        throw new InvalidDataException("a number without an end");
    }
}
