namespace CN2.Api.Data;

/// <summary>An open transaction that holds back its own changes, and vacuum on the whole server.</summary>
/// <param name="By">Its process or its name, and its database, in words.</param>
/// <param name="Seconds">How long it has been open.</param>
public sealed record HeldFeed(string By, double Seconds);
