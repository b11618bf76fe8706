namespace CN2.Api.Audit;

/// <summary>Who asked.</summary>
/// <param name="Kind">User, Token, Anonymous (nobody was asked), Unknown (it did not prove who it is), Agent (of a vRouter that gets a certificate), or Cli (a command of the server's program).</param>
/// <param name="Name">The name of the user, of the token, or of the VirtualRouter.</param>
public sealed record AuditCaller(string Kind, string Name);
