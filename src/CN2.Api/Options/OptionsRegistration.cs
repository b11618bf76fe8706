using System.Net;
using Microsoft.Extensions.Options;

namespace CN2.Api.Options;

/// <summary>The settings of the process (docs/contract.md §1).</summary>
public static class OptionsRegistration
{
    /// <summary>
    /// Registers one class per section. The rule of this code: a constructor takes the options class itself (<c>BgpOptions</c>), not
    /// <c>IOptions&lt;BgpOptions&gt;</c>. Both work, and both give the same object; settings are read once and never change while the
    /// process runs, so the wrapper would promise a change that does not come.
    /// </summary>
    public static IServiceCollection AddSettings(this IServiceCollection services)
    {
        ParsableConverter<IPAddress>.Register();
        ParsableConverter<IPNetwork>.Register();
        return services
            .AddSection<DatabaseOptions>()
            .AddSection<ListenerOptions>()
            .AddSection<BrowserOptions>()
            .AddSection<SecretsOptions>("Secrets")
            .AddSection<AuthOptions>("Auth")
            .AddSingleton<IValidateOptions<AuthOptions>, AuthListenerRule>()
            .AddSection<AgentOptions>("Agents")
            .AddSingleton<IValidateOptions<AgentOptions>, AgentListenerRule>()
            .AddSection<BgpOptions>("Bgp")
            .AddSection<VRouterOptions>("VRouters")
            .AddSection<ControlNodeOptions>()
            .AddSection<ServiceNetworkOptions>("ServiceNetwork")
            .AddSection<NodePortOptions>("NodePorts")
            .AddSection<RetentionOptions>("Retention")
            .AddSection<RateLimitOptions>("RateLimit")
            .AddSection<ConnectionLimitOptions>("Connections");
    }

    /// <summary>
    /// Checks every section before anything is started.
    /// </summary>
    /// <exception cref="SettingsException">Settings are wrong; it names all of them.</exception>
    public static void CheckSettings(this IServiceProvider services)
    {
        try
        {
            services.GetRequiredService<IStartupValidator>().Validate();
        }
        catch (Exception e) when (FaultsOf(e) is { } faults)
        {
            throw new SettingsException(faults);
        }
    }

    /// <summary>Checks one section, for a command that needs no other.</summary>
    /// <exception cref="SettingsException">Its settings are wrong.</exception>
    public static void CheckSettingsOf<T>(this IServiceProvider services) where T : class
    {
        try
        {
            _ = services.GetRequiredService<IOptions<T>>().Value;
        }
        catch (OptionsValidationException e)
        {
            throw new SettingsException([.. e.Failures]);
        }
    }

    /// <summary>The framework throws one exception for a section, and an aggregate of them for several.</summary>
    private static List<string>? FaultsOf(Exception exception) => exception switch
    {
        OptionsValidationException one => [.. one.Failures],
        AggregateException many when many.InnerExceptions.All(e => e is OptionsValidationException) => [.. many.InnerExceptions.Cast<OptionsValidationException>().SelectMany(e => e.Failures)],
        _ => null,
    };

    private static IServiceCollection AddSection<T>(this IServiceCollection services, string section = "") where T : class, new()
    {
        services.AddOptions<T>().ValidateOnStart();
        services.AddSingleton(provider => new SectionOptions<T>(provider.GetRequiredService<IConfiguration>(), section));
        services.AddSingleton<IConfigureOptions<T>>(provider => provider.GetRequiredService<SectionOptions<T>>());
        services.AddSingleton<IValidateOptions<T>>(provider => provider.GetRequiredService<SectionOptions<T>>());
        return services.AddSingleton(provider => provider.GetRequiredService<IOptions<T>>().Value);
    }
}
