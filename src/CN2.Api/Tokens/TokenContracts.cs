using System.Text.Json.Serialization;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Status;
using FluentValidation;

namespace CN2.Api.Tokens;

/// <summary>An API token, for programs. What it may do is in the role bindings that name it.</summary>
public sealed record TokenRequest : ResourceRequest
{
    /// <summary>When it expires, in UTC (RFC 3339); absent: never.</summary>
    public DateTimeOffset? ExpiresAt { get; set; }
}

/// <summary>An API token in answers.</summary>
public sealed record TokenResource : ResourceBody
{
    /// <summary>When it expires; null: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When it was last used, within a minute; null: never.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }

    /// <summary>The secret, which callers send as <c>Authorization: Bearer</c>. It is in the first answer to POST and nowhere else.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Token { get; init; }

    /// <summary>Read-only.</summary>
    public required TokenStatus Status { get; init; }

    public override string Collection => "tokens";
}

/// <summary>The state of an API token.</summary>
/// <param name="State">Success; Failure once it has expired.</param>
/// <param name="Conditions">Metadata, when a stored label or annotation cannot be read; else empty.</param>
public sealed record TokenStatus(ResourceState State, IReadOnlyList<ConditionBody> Conditions);

public sealed class TokenRequestValidator : AbstractValidator<TokenRequest>
{
    public TokenRequestValidator(TimeProvider time)
    {
        this.AddResourceRules();
        RuleFor(t => t.ExpiresAt).Must(at => at is null || at > time.GetUtcNow()).WithMessage("must be in the future, or absent");
    }
}
