using CN2.Api.Data;

namespace CN2.Simulation.Tests.Database;

/// <summary>One moment of the database. The tables are copied only when somebody writes while it is open.</summary>
internal sealed class MemoryReading(MemoryDatabase database, Tables tables, FeedSnapshot seen, Guid epoch) : IDatabaseReading
{
    public Tables Tables { get; set; } = tables;

    public FeedSnapshot Seen { get; } = seen;

    public Guid Epoch { get; } = epoch;

    public ValueTask DisposeAsync()
    {
        database.Close(this);
        return ValueTask.CompletedTask;
    }
}
