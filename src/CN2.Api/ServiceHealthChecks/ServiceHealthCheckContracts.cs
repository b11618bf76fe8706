using System.ComponentModel.DataAnnotations;
using CN2.Api.Data.Documents;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Resources;
using CN2.Network.Status;
using FluentValidation;

namespace CN2.Api.ServiceHealthChecks;

/// <summary>How a vRouter checks its local endpoints (CN2: ServiceHealthCheck). Times are in seconds.</summary>
public sealed record ServiceHealthCheckRequest : ResourceRequest
{
    /// <summary>HTTP, TCP (a connection is opened) or PING (an ICMP echo). Required.</summary>
    [Required]
    public MonitorType? MonitorType { get; set; }

    /// <summary>Seconds between two checks: 1 to 3600; 2 by default.</summary>
    public int? Delay { get; set; }

    /// <summary>Seconds after which a check without an answer has failed: 1 to 3600; 5 by default.</summary>
    public int? Timeout { get; set; }

    /// <summary>The endpoint is unhealthy after this many consecutive failures: 1 to 100; 5 by default. One success makes it healthy again.</summary>
    public int? MaxRetries { get; set; }

    /// <summary>The HTTP method, GET (default) or HEAD: a probe changes nothing. HTTP only.</summary>
    [AtMost(Limits.Reference)]
    public string? HttpMethod { get; set; }

    /// <summary>The path and query of the request; / by default. HTTP only.</summary>
    [AtMost(Limits.UrlPath)]
    public string? UrlPath { get; set; }

    /// <summary>The status codes of a success: codes and ranges, such as 200-299,304; 200-299 by default. HTTP only.</summary>
    [AtMost(Limits.ExpectedCodes)]
    public string? ExpectedCodes { get; set; }

    /// <summary>The port of the endpoint. 80 by default for HTTP; required for TCP.</summary>
    public int? Port { get; set; }

    /// <summary>What is kept of the request, with the defaults.</summary>
    internal ServiceHealthCheckSpec ToSpec()
    {
        var defaults = new ServiceHealthCheckSpec(MonitorType!.Value);
        return new(
            defaults.MonitorType, Delay ?? defaults.Delay, Timeout ?? defaults.Timeout, MaxRetries ?? defaults.MaxRetries, HttpMethod ?? defaults.HttpMethod,
            UrlPath ?? defaults.UrlPath, ExpectedCodes ?? defaults.ExpectedCodes, Port ?? (MonitorType == Network.Resources.MonitorType.HTTP ? 80 : null));
    }
}

/// <summary>A ServiceHealthCheck in answers.</summary>
public sealed record ServiceHealthCheckResource : ResourceBody
{
    public required MonitorType MonitorType { get; init; }
    public required int Delay { get; init; }
    public required int Timeout { get; init; }
    public required int MaxRetries { get; init; }
    public required string HttpMethod { get; init; }
    public required string UrlPath { get; init; }
    public required string ExpectedCodes { get; init; }
    public int? Port { get; init; }
    /// <summary>Read-only.</summary>
    public required ServiceHealthCheckStatus Status { get; init; }

    public override string Collection => "service-health-checks";
}

/// <summary>The state of a ServiceHealthCheck. The results of the checks are in the status of the endpoints.</summary>
/// <param name="State">Always Success.</param>
/// <param name="Conditions">Metadata, when a stored label or annotation cannot be read; else empty.</param>
public sealed record ServiceHealthCheckStatus(ResourceState State, IReadOnlyList<ConditionBody> Conditions);

public sealed class ServiceHealthCheckRequestValidator : AbstractValidator<ServiceHealthCheckRequest>
{
    private static readonly string[] Methods = ["GET", "HEAD"];

    public ServiceHealthCheckRequestValidator()
    {
        this.AddResourceRules();
        RuleFor(r => r.MonitorType).NotNull().WithMessage("is required: HTTP, TCP or PING");
        RuleFor(r => r.Delay).InclusiveBetween(1, 3600).WithMessage("must be from 1 to 3600 seconds");
        RuleFor(r => r.Timeout).InclusiveBetween(1, 3600).WithMessage("must be from 1 to 3600 seconds");
        RuleFor(r => r.MaxRetries).InclusiveBetween(1, 100).WithMessage("must be from 1 to 100");
        RuleFor(r => r.HttpMethod).Must(m => m is null || Methods.Contains(m)).WithMessage($"must be one of {string.Join(", ", Methods)}");
        RuleFor(r => r.UrlPath).Must(p => p is null || (p.StartsWith('/') && p.All(c => c is > ' ' and <= '~')))
            .WithMessage("must begin with / and be visible ASCII characters");
        RuleFor(r => r.ExpectedCodes).Must(c => c is null || ExpectedCodes.TryParse(c, out _, out _)).WithMessage("must be codes and ranges from 100 to 599, such as 200-299,304");
        RuleFor(r => r.Port).InclusiveBetween(1, 65535).WithMessage("must be from 1 to 65535");
        RuleFor(r => r.Port).NotNull().When(r => r.MonitorType == Network.Resources.MonitorType.TCP).WithMessage("is required for TCP");
    }
}
