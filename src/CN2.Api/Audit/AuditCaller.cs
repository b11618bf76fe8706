namespace CN2.Api.Audit;

/// <summary>Who asked.</summary>
/// <param name="Kind">User, Token, Anonymous (nobody was asked), Unknown (it did not prove who it is), or Cli (a command of the server's program).</param>
/// <param name="Name">The name of the user or the token.</param>
public sealed record AuditCaller(string Kind, string Name);
