using Npgsql;

namespace CN2.Api.Data;

/// <summary>Tables that somebody keeps in memory, for one <see cref="VersionWatch"/>.</summary>
/// <param name="read">Reads them, and takes them over when it has all of them.</param>
/// <param name="away">Says in the log why they cannot be read. It is called once, until they can be.</param>
public sealed class VersionedTables(Func<NpgsqlConnection, CancellationToken, Task> read, Action<string> away)
{
    private long? _version;
    private volatile Exception? _fault;

    /// <summary>What else is done after each look that the clock asked for.</summary>
    public Action? Turned { get; init; }

    /// <summary>Why the last look has failed; null: what was read is what is there.</summary>
    public Exception? Fault => _fault;

    /// <summary>Reads them if the version is another one. One look at a time.</summary>
    public async Task ReadAsync(NpgsqlConnection connection, long version, CancellationToken ct)
    {
        if (version != _version) await read(connection, ct);
        (_version, _fault) = (version, null);
    }

    public void Fail(Exception fault)
    {
        if (_fault is null) away(fault.GetBaseException().Message);
        (_version, _fault) = (null, fault); // it may be another database, or an older state of this one, when it is back
    }
}
