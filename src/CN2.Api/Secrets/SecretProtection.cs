using System.Security.Cryptography;
using System.Text;

namespace CN2.Api.Secrets;

/// <summary>Protects by the keys of the <see cref="KeyRing"/>.</summary>
internal sealed class SecretProtection(KeyRing ring) : ISecretProtection
{
    public async Task<string> ProtectAsync(string secret, string purpose, CancellationToken ct)
    {
        var keys = await ring.KeysAsync(ct);
        if (keys.Current is not { Encryptor: { } encryptor } key)
            throw new SecretsLockedException($"No secret can be stored by this control node: the keys that protect secrets cannot be read. {WhatToDo(keys.Foreign)}");
        return ProtectedText.Write(key.Id, encryptor.Encrypt(Encoding.UTF8.GetBytes(secret), ProtectedText.BindingOf(key.Id, purpose)));
    }

    public async Task<string> UnprotectAsync(string stored, string purpose, CancellationToken ct)
    {
        if (!ProtectedText.IsProtected(stored)) return stored;
        if (!ProtectedText.TryRead(stored, out var id, out var encrypted)) throw new SecretUnreadableException("What is stored of it is damaged; set it anew.");
        // Another replica may have made the key a moment ago.
        var key = (await ring.KeysAsync(ct)).Find(id) ?? (await ring.ReadAsync(ct)).Find(id)
            ?? throw new SecretUnreadableException("The key that protects it is not in the database (table protection_key); restore that, or set it anew.");
        if (key.Encryptor is null) throw new SecretUnreadableException($"The key that protects it cannot be read by this control node. {WhatToDo(key.Certificate)} Or set it anew.");
        try
        {
            return Encoding.UTF8.GetString(key.Encryptor.Decrypt(encrypted, ProtectedText.BindingOf(id, purpose)));
        }
        catch (CryptographicException e)
        {
            throw new SecretUnreadableException("What is stored of it was changed by somebody else than this program; set it anew.", e);
        }
    }

    private static string WhatToDo(string? certificate) => certificate is null
        ? "Its row in table protection_key is damaged: restore it."
        : $"It is encrypted under the certificate with SHA-256 {certificate}: set Secrets__Certificate__Path to that certificate, or add it as Secrets__Certificate__Previous__0 beside the one in use.";
}
