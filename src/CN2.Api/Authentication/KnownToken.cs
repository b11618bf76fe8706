using CN2.Api.Access;

namespace CN2.Api.Authentication;

/// <summary>An API token as the database has it. It is one object as long as its row says the same.</summary>
/// <param name="revoked">For it alone. Never disposed, because somebody may be about to register.</param>
internal sealed class KnownToken(Guid uid, string name, DateTimeOffset? expiresAt, CancellationTokenSource revoked)
{
    public Guid Uid => uid;

    public Identity Identity => field ??= new Identity(new Caller(CallerKind.Token, name, []), expiresAt) { Revoked = revoked.Token };

    public bool IsSame(KnownToken other) => uid == other.Uid && Identity.Caller.Name == other.Identity.Caller.Name && expiresAt == other.Identity.Until;

    /// <summary>It is gone: its watches end.</summary>
    public void Revoke() => revoked.Cancel();
}
