using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption;

namespace CN2.Api.Secrets;

/// <summary>A key of the ring.</summary>
/// <param name="Id">Its uid.</param>
/// <param name="Number">Rises with each key that is made.</param>
/// <param name="Certificate">SHA-256 of the certificate under which it is encrypted, in hex; null: it stands in the database in plain.</param>
/// <param name="Encryptor">Null: this replica cannot read the key.</param>
internal sealed record RingKey(Guid Id, long Number, string? Certificate, IAuthenticatedEncryptor? Encryptor);
