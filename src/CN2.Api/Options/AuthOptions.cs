using System.ComponentModel.DataAnnotations;

namespace CN2.Api.Options;

/// <summary>Section <c>Auth</c>: how callers of REST and of the Kubernetes API say who they are (docs/security.md, Callers).</summary>
public sealed record AuthOptions : IValidatableObject
{
    /// <summary><c>required</c>, or <c>none</c>: nobody is asked, and everybody may do everything. <see cref="AuthListenerRule"/> allows it on loopback only.</summary>
    [OneOf("required", "none")]
    public string Mode { get; init; } = "required";

    /// <summary>The OpenID Connect provider, whose keys are found by its <c>/.well-known/openid-configuration</c>; null: no provider is asked.</summary>
    [ConfigurationKeyName("Oidc:Authority"), ProviderUrl]
    public Uri? Authority { get; init; }

    /// <summary>A file with the provider's keys (JWKS), where this server cannot reach the provider; it is read anew when it changes.</summary>
    [ConfigurationKeyName("Oidc:JwksPath"), FilePath]
    public string? JwksPath { get; init; }

    /// <summary>What <c>aud</c> of a token must have. Needed with either of the two.</summary>
    [ConfigurationKeyName("Oidc:Audience"), ClaimText]
    public string? Audience { get; init; }

    /// <summary>What <c>iss</c> of a token must be. Needed with a file of keys; by default what the provider says of itself.</summary>
    [ConfigurationKeyName("Oidc:Issuer"), ClaimText]
    public string? Issuer { get; init; }

    /// <summary>The claim that is the user's name.</summary>
    [ConfigurationKeyName("Oidc:UserClaim"), ClaimText]
    public string UserClaim { get; init; } = "sub";

    /// <summary>The claim with the user's groups: one text, or an array of them.</summary>
    [ConfigurationKeyName("Oidc:GroupsClaim"), ClaimText]
    public string GroupsClaim { get; init; } = "groups";

    /// <summary>PEM file with the roots of client certificates; null: clients are not asked for one. It is read anew when it changes.</summary>
    [ConfigurationKeyName("ClientCa:Path"), FilePath]
    public string? ClientCaPath { get; init; }

    public bool IsRequired => Mode == "required";

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        IsRequired ? [.. ProviderFaults(), .. FileFaults()] : UnusedFaults();

    private IEnumerable<ValidationResult> ProviderFaults()
    {
        var source = Authority is not null ? "Auth__Oidc__Authority" : JwksPath is not null ? "Auth__Oidc__JwksPath" : null;
        if (Authority is not null && JwksPath is not null) yield return new("no file, because Auth__Oidc__Authority says where the keys are; remove one of the two", [nameof(JwksPath)]);
        if (source is null)
        {
            foreach (var (given, property) in ((string?, string)[])[(Audience, nameof(Audience)), (Issuer, nameof(Issuer))])
            {
                if (given is not null) yield return new("Auth__Oidc__Authority or Auth__Oidc__JwksPath beside it, which say where the keys of tokens are", [property]);
            }

            yield break;
        }

        if (Audience is null) yield return new($"the audience (aud) that tokens for this server have, because {source} is set", [nameof(Audience)]);
        if (Issuer is null && Authority is null) yield return new("the issuer (iss) that tokens have, because a file of keys (Auth__Oidc__JwksPath) does not say it", [nameof(Issuer)]);
    }

    private IEnumerable<ValidationResult> FileFaults()
    {
        if (JwksPath is not null && Authority is null && SigningKeyFile.Read(JwksPath).Fault is { } keys) yield return new(keys, [nameof(JwksPath)]);
        if (ClientCaPath is not null && ClientCaFile.Read(ClientCaPath).Fault is { } authorities) yield return new(authorities, [nameof(ClientCaPath)]);
    }

    /// <summary>Whoever sets these wants callers to be asked.</summary>
    private IEnumerable<ValidationResult> UnusedFaults()
    {
        foreach (var (given, property) in ((object?, string)[])[(Authority, nameof(Authority)), (JwksPath, nameof(JwksPath)), (ClientCaPath, nameof(ClientCaPath))])
        {
            if (given is not null) yield return new("Auth__Mode=required beside it, because with none nobody is asked", [property]);
        }
    }
}
