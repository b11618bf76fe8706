using CN2.Api.Json;
using FluentValidation;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Formatters;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.Mvc.ModelBinding.Validation;

namespace CN2.Api.Http;

/// <summary>Registers the HTTP conventions of docs/contract.md §2: JSON, problem answers, validation.</summary>
public static class HttpRegistration
{
    public static IServiceCollection AddHttpConventions(this IServiceCollection services)
    {
        // Faults name members as JSON does: ports[0].port.
        ValidatorOptions.Global.PropertyNameResolver = (_, member, _) => member is null ? null : System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(member.Name);
        services.AddValidatorsFromAssembly(typeof(HttpRegistration).Assembly, ServiceLifetime.Singleton);
        services.AddSingleton<RequestValidation>();
        services.AddSingleton<RequestDeadline>();
        services.AddSingleton<Microsoft.AspNetCore.Routing.MatcherPolicy, ListenerPolicy>();
        services.AddBrowserRules();
        services.AddCallerRate();
        services.AddExceptionHandler<ProblemExceptions>();
        services.ConfigureHttpJsonOptions(options => ApiJson.Configure(options.SerializerOptions));
        services.AddControllers(options =>
            {
                options.ValueProviderFactories.RemoveType<FormValueProviderFactory>(); // no form is read: a body of that type is a 415
                options.ValueProviderFactories.RemoveType<FormFileValueProviderFactory>();
                options.ValueProviderFactories.RemoveType<JQueryFormValueProviderFactory>();
                options.InputFormatters.Clear();
                options.InputFormatters.Add(new JsonInputFormatter());
                options.InputFormatters.Add(new MergePatchInputFormatter());
                options.OutputFormatters.RemoveType<StringOutputFormatter>();
                options.OutputFormatters.RemoveType<HttpNoContentOutputFormatter>();
                foreach (var json in options.OutputFormatters.OfType<SystemTextJsonOutputFormatter>())
                {
                    json.SupportedMediaTypes.Clear(); // otherwise the OpenAPI document lists text/json too
                    json.SupportedMediaTypes.Add("application/json");
                }

                options.Filters.AddService<RequestValidation>();
                options.SuppressImplicitRequiredAttributeForNonNullableReferenceTypes = true;
            })
            .ConfigureApiBehaviorOptions(options =>
            {
                options.SuppressModelStateInvalidFilter = true;
                options.SuppressMapClientErrors = true;
            })
            .AddJsonOptions(options => ApiJson.Configure(options.JsonSerializerOptions));
        services.AddSingleton<IObjectModelValidator, NoAttributeValidation>();
        return services;
    }

    /// <summary>Answers requests that no endpoint takes (unknown path, method, media type) and those that end in an exception.</summary>
    /// <param name="app">The server.</param>
    /// <param name="identify">Says who calls, or refuses.</param>
    /// <param name="authorize">Refuses what the caller may not do.</param>
    public static void UseHttpConventions(this WebApplication app, Action<IApplicationBuilder> identify, Action<IApplicationBuilder> authorize)
    {
        app.UseKnownProxies();
        app.Use(AnswerHead);
        app.UseBrowserRules();
        app.UseRouting(); // after AnswerHead, which makes HEAD a GET
        app.UseExceptionHandler(_ => { });
        app.UseStatusCodePages(context =>
        {
            var http = context.HttpContext;
            var status = http.Response.StatusCode;
            var problem = status switch
            {
                StatusCodes.Status404NotFound => new ApiProblem(status, ProblemCodes.NotFound, "Not found", $"Nothing is at {http.Request.Path}."),
                StatusCodes.Status405MethodNotAllowed => new ApiProblem(status, ProblemCodes.MethodNotAllowed, "Method not allowed",
                    $"{http.Request.Method} is not possible here{(http.Response.Headers.Allow.Count > 0 ? $"; allowed: {http.Response.Headers.Allow}" : "")}."),
                StatusCodes.Status415UnsupportedMediaType => new ApiProblem(status, ProblemCodes.UnsupportedMediaType, "Unsupported media type",
                    HttpMethods.IsPatch(http.Request.Method) ? $"Send the patch as {MergePatch.ContentType}." : "Send the body as application/json in UTF-8."),
                StatusCodes.Status413PayloadTooLarge => ApiProblem.PayloadTooLarge(RequestBody.LimitOf(http.Request)),
                _ => new ApiProblem(status, ProblemCodes.BadRequest, "The request failed", "The request could not be answered."),
            };
            return ProblemResult.WriteAsync(http, problem);
        });
        app.UseCrossOrigins(); // a preflight has no token
        identify(app);
        app.UseRateLimiter();
        authorize(app);
        var deadline = app.Services.GetRequiredService<RequestDeadline>();
        app.Use(deadline.RunAsync);
        app.UseMiddleware<RepeatedReads>(); // inside the exception handler, which answers what no repetition cures
    }

    /// <summary>HEAD is GET without the body (RFC 9110). Not for the watch, whose body has no end.</summary>
    private static Task AnswerHead(HttpContext http, RequestDelegate next)
    {
        if (!HttpMethods.IsHead(http.Request.Method) || http.Request.Path.StartsWithSegments("/v1/watch")) return next(http);
        http.Request.Method = HttpMethods.Get;
        // The server reads the method when the answer starts, and sends no body for HEAD.
        http.Response.OnStarting(() =>
        {
            http.Request.Method = HttpMethods.Head;
            return Task.CompletedTask;
        });
        return next(http);
    }

    /// <summary>FluentValidation checks everything, so the framework does not search every body for attributes.</summary>
    private sealed class NoAttributeValidation : IObjectModelValidator
    {
        public void Validate(ActionContext actionContext, ValidationStateDictionary? validationState, string prefix, object? model)
        {
        }
    }
}
