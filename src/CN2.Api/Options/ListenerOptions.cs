using System.ComponentModel.DataAnnotations;
using System.Net;
using CN2.Network.Addressing;

namespace CN2.Api.Options;

/// <summary>
/// Sections <c>Http</c>, <c>Grpc</c> and <c>Kubernetes</c>: where the server listens, and by which certificates. The defaults are loopback addresses:
/// who opens a port to others does it knowingly.
/// </summary>
public sealed record ListenerOptions : IValidatableObject
{
    /// <summary>REST, Swagger UI, health, metrics.</summary>
    [ConfigurationKeyName("Http:Url"), ListenUrl]
    public Uri HttpUrl { get; init; } = new("http://127.0.0.1:8080");

    /// <summary>PEM file: the server's certificate, then its chain. Also of the Kubernetes API.</summary>
    [ConfigurationKeyName("Http:Certificate:Path"), FilePath]
    public string? HttpCertificatePath { get; init; }

    /// <summary>PEM file: the key without a passphrase.</summary>
    [ConfigurationKeyName("Http:Certificate:KeyPath"), FilePath]
    public string? HttpKeyPath { get; init; }

    /// <summary>REST and the Kubernetes API may be plain on other addresses than loopback, for a proxy in front.</summary>
    [ConfigurationKeyName("Http:AllowPlain"), TrueOrFalse]
    public bool HttpAllowPlain { get; init; }

    /// <summary>Whose X-Forwarded-For, -Proto and -Host are believed, on every port; empty: nobody's.</summary>
    [ConfigurationKeyName("Http:KnownProxies"), AddressOrPrefix]
    public IReadOnlyList<IPNetwork> KnownProxies { get; init; } = [];

    /// <summary>The vRouter agents.</summary>
    [ConfigurationKeyName("Grpc:Url"), ListenUrl]
    public Uri GrpcUrl { get; init; } = new("http://127.0.0.1:8081");

    /// <inheritdoc cref="HttpCertificatePath"/>
    [ConfigurationKeyName("Grpc:Certificate:Path"), FilePath]
    public string? GrpcCertificatePath { get; init; }

    /// <inheritdoc cref="HttpKeyPath"/>
    [ConfigurationKeyName("Grpc:Certificate:KeyPath"), FilePath]
    public string? GrpcKeyPath { get; init; }

    /// <summary>The agents' port may be plain on other addresses than loopback.</summary>
    [ConfigurationKeyName("Grpc:AllowPlain"), TrueOrFalse]
    public bool GrpcAllowPlain { get; init; }

    /// <summary>The Kubernetes API (docs/adr/0011-the-kubernetes-front.md); absent: it is not served.</summary>
    [ConfigurationKeyName("Kubernetes:Url"), ListenUrl]
    public Uri? KubernetesUrl { get; init; }

    public static bool IsTls(Uri? url) => url?.Scheme == Uri.UriSchemeHttps;

    public bool IsKnownProxy(IPAddress address)
    {
        var plain = address.Unmapped();
        return KnownProxies.Any(p => p.Contains(plain));
    }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) => [
        .. PortFaults(),
        .. PlainFaults(),
        .. CertificateFaults(
            HttpCertificatePath, nameof(HttpCertificatePath), HttpKeyPath, nameof(HttpKeyPath),
            IsTls(HttpUrl) ? "Http__Url" : IsTls(KubernetesUrl) ? "Kubernetes__Url" : null, "Http__Url"),
        .. CertificateFaults(GrpcCertificatePath, nameof(GrpcCertificatePath), GrpcKeyPath, nameof(GrpcKeyPath), IsTls(GrpcUrl) ? "Grpc__Url" : null, "Grpc__Url"),
    ];

    /// <summary>One port is one API: agents find no REST, and REST finds no agents. Port 0 is any free port, so two of them differ.</summary>
    private IEnumerable<ValidationResult> PortFaults()
    {
        if (HttpUrl.Port == GrpcUrl.Port && HttpUrl.Port != 0 && HttpUrl.Host == GrpcUrl.Host)
            yield return new($"another port than Http__Url has ({HttpUrl.Port})", [nameof(GrpcUrl)]);
        if (KubernetesUrl is not { } kubernetes || kubernetes.Port == 0) yield break;
        foreach (var (other, setting) in ((Uri, string)[])[(HttpUrl, "Http__Url"), (GrpcUrl, "Grpc__Url")])
        {
            if (kubernetes.Port == other.Port && kubernetes.Host == other.Host) yield return new($"another port than {setting} has ({other.Port})", [nameof(KubernetesUrl)]);
        }
    }

    private IEnumerable<ValidationResult> PlainFaults()
    {
        foreach (var (url, property, allowed, setting) in ((Uri?, string, bool, string)[])
            [(HttpUrl, nameof(HttpUrl), HttpAllowPlain, "Http__AllowPlain"), (GrpcUrl, nameof(GrpcUrl), GrpcAllowPlain, "Grpc__AllowPlain"), (KubernetesUrl, nameof(KubernetesUrl), HttpAllowPlain, "Http__AllowPlain")])
        {
            if (url is not null && !IsTls(url) && !allowed && !url.IsLoopback)
                yield return new($"https://, a loopback address, or {setting}=true where a proxy in front speaks TLS or the network is trusted", [property]);
        }
    }

    /// <param name="user">The setting that is https and takes this certificate; null: none.</param>
    private static IEnumerable<ValidationResult> CertificateFaults(string? path, string pathProperty, string? keyPath, string keyProperty, string? user, string url)
    {
        if (user is null)
        {
            foreach (var (given, property) in ((string?, string)[])[(path, pathProperty), (keyPath, keyProperty)])
            {
                if (given is not null) yield return new($"{url} with https://, or no certificate", [property]);
            }

            yield break;
        }

        if (path is null) yield return new($"a PEM file with the server's certificate and then its chain, because {user} is https://", [pathProperty]);
        if (keyPath is null) yield return new($"a PEM file with the private key of the certificate, because {user} is https://", [keyProperty]);
        CertificateFiles.Read(path, keyPath).Parse(out var judged);
        if (judged.CertificateFault is { } fault) yield return new(fault, [pathProperty]);
        if (judged.KeyFault is { } keyFault) yield return new(keyFault, [keyProperty]);
    }
}
