using System.ComponentModel.DataAnnotations;

namespace CN2.Api.Options;

/// <summary>Sections <c>Http</c> and <c>Grpc</c>. The defaults are loopback addresses, because neither port authenticates its callers.</summary>
public sealed record ListenerOptions : IValidatableObject
{
    /// <summary>REST, Swagger UI, health, metrics.</summary>
    [ConfigurationKeyName("Http:Url"), ListenUrl]
    public Uri HttpUrl { get; init; } = new("http://127.0.0.1:8080");

    /// <summary>The vRouter agents.</summary>
    [ConfigurationKeyName("Grpc:Url"), ListenUrl]
    public Uri GrpcUrl { get; init; } = new("http://127.0.0.1:8081");

    /// <summary>The Kubernetes API (docs/adr/0011-the-kubernetes-front.md); absent: it is not served.</summary>
    [ConfigurationKeyName("Kubernetes:Url"), ListenUrl]
    public Uri? KubernetesUrl { get; init; }

    /// <summary>Without TLS one port cannot serve both: REST speaks HTTP/1.1 and agents HTTP/2. Port 0 is any free port, so two of them differ.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (HttpUrl.Port == GrpcUrl.Port && HttpUrl.Port != 0 && HttpUrl.Host == GrpcUrl.Host)
            yield return new($"another port than Http__Url has ({HttpUrl.Port})", [nameof(GrpcUrl)]);
        if (KubernetesUrl is not { } kubernetes || kubernetes.Port == 0) yield break;
        foreach (var (other, setting) in ((Uri, string)[])[(HttpUrl, "Http__Url"), (GrpcUrl, "Grpc__Url")])
        {
            if (kubernetes.Port == other.Port && kubernetes.Host == other.Host) yield return new($"another port than {setting} has ({other.Port})", [nameof(KubernetesUrl)]);
        }
    }
}
