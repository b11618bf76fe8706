using CN2.Api.Data;
using CN2.Api.Secrets;
using CN2.Api.Writes;

namespace CN2.Api.BgpRouters;

/// <summary>The keys of BGP sessions as they are stored.</summary>
public sealed class BgpRouterKeys(ISecretProtection secrets)
{
    private static readonly string Purpose = ProtectedColumn.BgpAuthKey.Purpose;

    /// <summary>
    /// What is to be stored for the key of a request. The same key as before stays as it is stored, so that it is no change. While a control node that cannot read
    /// protected keys is alive (a rolling upgrade), a new one is stored in plain; <see cref="SecretRenewal"/> protects it afterwards.
    /// </summary>
    /// <param name="scope">The transaction.</param>
    /// <param name="given">Null: the stored key stays; empty: there is none any more.</param>
    /// <param name="stored">As it is stored now; null: none is.</param>
    /// <param name="ct">Ends the statements.</param>
    /// <exception cref="SecretsLockedException">Nothing can be protected here.</exception>
    public async Task<string?> StoreAsync(WriteScope scope, string? given, string? stored, CancellationToken ct)
    {
        if (given is null) return stored;
        if (given.Length == 0) return null;
        if (stored is not null && await IsAsync(stored, given, ct)) return stored;
        return await ProtectedSecretReaders.FindUnableAsync(scope.Connection, ct) is null ? await secrets.ProtectAsync(given, Purpose, ct) : given;
    }

    /// <summary>Why a stored key cannot be read by this replica, and what to do; null: it can, or there is none.</summary>
    public async Task<string?> FaultOfAsync(string? stored, CancellationToken ct)
    {
        if (stored is null) return null;
        try
        {
            await secrets.UnprotectAsync(stored, Purpose, ct);
            return null;
        }
        catch (SecretUnreadableException e)
        {
            return e.Message;
        }
    }

    private async Task<bool> IsAsync(string stored, string given, CancellationToken ct)
    {
        try
        {
            return await secrets.UnprotectAsync(stored, Purpose, ct) == given;
        }
        catch (SecretUnreadableException)
        {
            return false; // it is set anew
        }
    }
}
