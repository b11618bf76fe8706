using CN2.Api.Access;

namespace CN2.Api.Authentication;

/// <summary>An API token as the database has it. It is one object as long as its row says the same.</summary>
internal sealed class KnownToken(Guid uid, string name, DateTimeOffset? expiresAt)
{
    private readonly CancellationTokenSource _revoked = new();

    public Guid Uid => uid;

    public Identity Identity => field ??= new Identity(new Caller(CallerKind.Token, name, []), expiresAt) { Revoked = _revoked.Token };

    public bool IsSame(KnownToken other) => uid == other.Uid && Identity.Caller.Name == other.Identity.Caller.Name && expiresAt == other.Identity.Until;

    /// <summary>It is gone: its watches end. Not disposed, because somebody may be about to register.</summary>
    public void Revoke() => _revoked.Cancel();
}
