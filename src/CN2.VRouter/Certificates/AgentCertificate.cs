using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CN2.VRouter.Host;

namespace CN2.VRouter.Certificates;

/// <summary>
/// What says which VirtualRouter this node is: key, certificate and CA in one file of the state directory, so that they are replaced together. Read at each
/// connection: a renewal, or an operator who lets the node join again, needs no restart.
/// </summary>
internal sealed class AgentCertificate(string stateDirectory)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>PEM: the key, the certificate, the CA that issued it.</summary>
    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetFullPath(stateDirectory), "agent.pem");

    /// <summary>PEM: the CAs that the servers' certificates come from, where no --ca-file says another.</summary>
    public string ServerCaPath { get; } = System.IO.Path.Combine(System.IO.Path.GetFullPath(stateDirectory), "server-ca.pem");

    /// <summary>The CAs of the servers: <paramref name="caFile"/> when it is given, else those of the join; null: the system's.</summary>
    public static string? CaFileOf(string? caFile, string? stateDirectory) =>
        caFile ?? (stateDirectory is not null && new AgentCertificate(stateDirectory) is var kept && File.Exists(kept.ServerCaPath) ? kept.ServerCaPath : null);

    /// <summary>The certificate with its key; null: this node has not joined.</summary>
    /// <exception cref="CertificateFileException">The file is there and cannot be used.</exception>
    public X509Certificate2? Read()
    {
        try
        {
            if (!File.Exists(Path)) return null;
            var pem = File.ReadAllText(Path);
            return X509Certificate2.CreateFromPem(pem, pem);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new CertificateFileException($"{Path} cannot be used ({e.Message.TrimEnd('.')}); let the node join again with --force");
        }
    }

    /// <summary>For a handshake, with what leads to the CA's root; null: this node has not joined.</summary>
    /// <exception cref="CertificateFileException">The file is there and cannot be used.</exception>
    public SslStreamCertificateContext? ForConnection() => Read() is { } certificate ? SslStreamCertificateContext.Create(certificate, null, offline: true) : null;

    /// <exception cref="IOException">It cannot be written; <see cref="UnauthorizedAccessException"/> likewise.</exception>
    public void Write(ECDsa key, X509Certificate2 certificate, IEnumerable<X509Certificate2> authorities) =>
        StateFile.Replace(Path, Text($"{key.ExportPkcs8PrivateKeyPem()}\n{certificate.ExportCertificatePem()}\n{string.Concat(authorities.Select(a => a.ExportCertificatePem() + "\n"))}"), OwnerOnly);

    /// <exception cref="IOException">It cannot be written; <see cref="UnauthorizedAccessException"/> likewise.</exception>
    public void WriteServerCa(IEnumerable<X509Certificate2> authorities) => StateFile.Replace(ServerCaPath, Text(string.Concat(authorities.Select(a => a.ExportCertificatePem() + "\n"))));

    /// <summary>When to ask for the next one: at two thirds of its life.</summary>
    public static DateTimeOffset RenewalOf(X509Certificate2 certificate)
    {
        var (from, until) = (new DateTimeOffset(certificate.NotBefore), new DateTimeOffset(certificate.NotAfter));
        return from + ((until - from) * 2 / 3);
    }

    private static byte[] Text(string text) => System.Text.Encoding.ASCII.GetBytes(text);
}
