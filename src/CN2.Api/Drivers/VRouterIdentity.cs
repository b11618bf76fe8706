namespace CN2.Api.Drivers;

/// <summary>The node that the certificate of a connection stands for.</summary>
/// <param name="Uid">Of its VirtualRouter. One of the same name that was made anew is another one.</param>
/// <param name="Name">Of its VirtualRouter.</param>
/// <param name="Fingerprint">SHA-256 of the certificate, in hexadecimal.</param>
/// <param name="NotAfter">When the certificate ends.</param>
public sealed record VRouterIdentity(Guid Uid, string Name, string Fingerprint, DateTimeOffset NotAfter);
