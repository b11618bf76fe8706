using CN2.Api.Options;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.HttpsPolicy;

namespace CN2.Api.Http;

/// <summary>
/// What protects those who use a browser (docs/contract.md §7, Browsers): the host must be a name of the server, answers cannot be framed, sniffed or
/// run as pages, pages of other origins may call only where <c>Http__CorsOrigins</c> names them.
/// </summary>
internal static class BrowserRules
{
    private const string OfData = "default-src 'none'; frame-ancestors 'none'";

    /// <summary>Swagger UI has scripts of its own host only. Its styles are also in the elements that the scripts make.</summary>
    private const string OfSwagger = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static IServiceCollection AddBrowserRules(this IServiceCollection services)
    {
        // The framework filters hosts too when it finds AllowedHosts in the settings, but with a body that is no problem.
        services.Configure<HostFilteringOptions>(filter => filter.AllowedHosts = ["*"]);
        services.Configure<HstsOptions>(hsts => hsts.MaxAge = TimeSpan.FromDays(365));
        services.AddCors();
        services.AddOptions<CorsOptions>().Configure<BrowserOptions>((cors, browsers) => cors.AddDefaultPolicy(policy => policy
            .WithOrigins([.. browsers.CorsOrigins])
            .WithMethods(HttpMethods.Get, HttpMethods.Post, HttpMethods.Put, HttpMethods.Patch, HttpMethods.Delete)
            .AllowAnyHeader()
            .WithExposedHeaders("ETag", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id")
            .SetPreflightMaxAge(TimeSpan.FromMinutes(10))));
        return services;
    }

    /// <summary>Before the routing: headers of every answer, and the refusal of another host.</summary>
    public static void UseBrowserRules(this IApplicationBuilder app)
    {
        app.UseHsts(); // on https, and not for loopback
        app.Use((http, next) =>
        {
            http.Response.OnStarting(static state => SetHeaders((HttpContext)state), http);
            return Listener.Of(http)?.Hosts?.Has(http.Request.Host) == false ? ProblemResult.WriteAsync(http, ApiProblem.HostNotAllowed(http.Request.Host.Host)) : next(http);
        });
    }

    /// <summary>After the routing: the answers to preflights, and the headers that let the pages of other origins read.</summary>
    public static void UseCrossOrigins(this IApplicationBuilder app)
    {
        if (app.ApplicationServices.GetRequiredService<BrowserOptions>().CorsOrigins.Count > 0) app.UseWhen(http => Listener.KindOf(http) == ListenerKind.Rest, rest => rest.UseCors());
    }

    /// <summary>When the answer starts, because the answer to an exception begins with no headers.</summary>
    private static Task SetHeaders(HttpContext http)
    {
        var headers = http.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers.ContentSecurityPolicy = http.Request.Path.StartsWithSegments("/swagger") ? OfSwagger : OfData;
        headers["Referrer-Policy"] = "no-referrer";
        return Task.CompletedTask;
    }
}
