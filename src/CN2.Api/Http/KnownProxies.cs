using CN2.Api.Options;
using Microsoft.AspNetCore.HttpOverrides;

namespace CN2.Api.Http;

/// <summary>
/// <c>Http__KnownProxies</c>: what these say of the caller's address, scheme and host is taken for the truth, from here on for everything (limits, log,
/// host names). What anybody else says of it is a header like others.
/// </summary>
internal static class KnownProxies
{
    public static void UseKnownProxies(this IApplicationBuilder app)
    {
        var known = app.ApplicationServices.GetRequiredService<ListenerOptions>().KnownProxies;
        if (known.Count == 0) return; // with an empty list the framework believes everybody
        var options = new ForwardedHeadersOptions
        {
            ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost,
            ForwardLimit = null, // several proxies in a row: until an address that is none of them
        };
        options.KnownProxies.Clear(); // loopback is known only when it is listed
        options.KnownIPNetworks.Clear();
        foreach (var network in known) options.KnownIPNetworks.Add(network);
        app.UseForwardedHeaders(options);
    }
}
