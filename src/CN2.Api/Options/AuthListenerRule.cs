using Microsoft.Extensions.Options;

namespace CN2.Api.Options;

/// <summary>
/// What the sections <c>Auth</c>, <c>Http</c> and <c>Kubernetes</c> must be together. It looks at the listeners without their faults, which they name
/// themselves.
/// </summary>
internal sealed class AuthListenerRule(SectionOptions<ListenerOptions> listeners) : IValidateOptions<AuthOptions>
{
    public ValidateOptionsResult Validate(string? name, AuthOptions options)
    {
        var listen = new ListenerOptions();
        listeners.Configure(listen);
        var faults = FaultsOf(options, listen).ToList();
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static IEnumerable<string> FaultsOf(AuthOptions options, ListenerOptions listen)
    {
        if (!options.IsRequired)
        {
            foreach (var (url, setting) in ((Uri?, string)[])[(listen.HttpUrl, "Http__Url"), (listen.KubernetesUrl, "Kubernetes__Url")])
            {
                if (url is { IsLoopback: false })
                    yield return $"Auth__Mode is 'none': expected required, because {setting} ({url.OriginalString}) is no loopback address and whoever reaches it could do everything.";
            }
        }

        if (options.ClientCaPath is { } path && !ListenerOptions.IsTls(listen.HttpUrl) && !ListenerOptions.IsTls(listen.KubernetesUrl))
            yield return $"Auth__ClientCa__Path is '{path}': expected Http__Url or Kubernetes__Url with https://, because only TLS has client certificates.";
    }
}
