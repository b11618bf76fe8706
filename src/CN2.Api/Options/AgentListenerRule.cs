using Microsoft.Extensions.Options;

namespace CN2.Api.Options;

/// <summary>
/// What the sections <c>Agents</c> and <c>Grpc</c> must be together. It looks at the listener without its faults, which that section names itself.
/// </summary>
internal sealed class AgentListenerRule(SectionOptions<ListenerOptions> listeners) : IValidateOptions<AgentOptions>
{
    public ValidateOptionsResult Validate(string? name, AgentOptions options)
    {
        var listen = new ListenerOptions();
        listeners.Configure(listen);
        return FaultOf(options, listen) is { } fault ? ValidateOptionsResult.Fail(fault) : ValidateOptionsResult.Success;
    }

    private static string? FaultOf(AgentOptions options, ListenerOptions listen)
    {
        var isTls = ListenerOptions.IsTls(listen.GrpcUrl);
        if (options.IsRequired)
        {
            return isTls ? null
                : $"Agents__Mode is 'required': expected Grpc__Url (now {listen.GrpcUrl.OriginalString}) with https://, because agents show their certificates by TLS; or Agents__Mode=none on loopback or with Grpc__AllowPlain=true, where whoever reaches the port may be any node.";
        }

        // A plain URL that is open to others is a fault of Grpc__Url, and said there.
        return isTls && !listen.GrpcUrl.IsLoopback && !listen.GrpcAllowPlain
            ? $"Agents__Mode is 'none': expected required, because Grpc__Url ({listen.GrpcUrl.OriginalString}) is no loopback address and whoever reaches it may be any node; or Grpc__AllowPlain=true where the network is trusted, for the time of a change-over."
            : null;
    }
}
