namespace CN2.Api.Options;

/// <summary>Which names and which pages browsers may reach REST by (docs/contract.md §7).</summary>
public sealed record BrowserOptions
{
    /// <summary>Host names besides those that the server listens on, separated by ';' as elsewhere in ASP.NET Core; <c>*</c>: every one.</summary>
    [ConfigurationKeyName("AllowedHosts"), HostNames]
    public string AllowedHosts { get; init; } = "";

    /// <summary>Origins whose pages may call REST; empty: CORS is off.</summary>
    [ConfigurationKeyName("Http:CorsOrigins"), Origin]
    public IReadOnlyList<string> CorsOrigins { get; init; } = [];
}
