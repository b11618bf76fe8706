namespace CN2.Api.Secrets;

/// <summary>
/// Encrypts what nobody may read out of the database, such as the key of a BGP session. What comes out is text for a column of type <c>text</c>; name that
/// column in <see cref="ProtectedColumn.All"/>, so that it follows the key ring. (An interface, so that a test can lock it.)
/// </summary>
public interface ISecretProtection
{
    /// <summary>Text that <see cref="UnprotectAsync"/> of any replica makes the secret of again.</summary>
    /// <param name="secret">Any text.</param>
    /// <param name="purpose">What it is for, such as <c>BgpRouter authKey</c>. What was protected for one purpose cannot be read for another.</param>
    /// <param name="ct">Ends the reading of the key ring, when that has not been read yet.</param>
    /// <exception cref="SecretsLockedException">This replica has no key for it.</exception>
    Task<string> ProtectAsync(string secret, string purpose, CancellationToken ct);

    /// <summary>The secret. Text that is not protected (<see cref="ProtectedText.IsProtected"/>) was stored before there was protection, and is the secret.</summary>
    /// <exception cref="SecretUnreadableException">It cannot be read here; the message says what to do.</exception>
    Task<string> UnprotectAsync(string stored, string purpose, CancellationToken ct);
}
