namespace CN2.Api.Data;

/// <summary>One moment of the database: what is read in it fits together (docs/adr/0010-stores-behind-interfaces.md). Disposing it ends it.</summary>
public interface IDatabaseReading : IAsyncDisposable;
