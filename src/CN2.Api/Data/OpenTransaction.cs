namespace CN2.Api.Data;

/// <summary>A transaction of the database server that has written, or may write, and has not ended.</summary>
/// <param name="Name">Its process or its name, and its database, in words.</param>
/// <param name="Xid">Its transaction id.</param>
/// <param name="Open">How long it has been open; null: that may not be seen (the session is another role's, and this one lacks <c>pg_read_all_stats</c>).</param>
public sealed record OpenTransaction(string Name, string Xid, TimeSpan? Open);
