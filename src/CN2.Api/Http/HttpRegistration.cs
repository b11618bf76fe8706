using CN2.Api.Json;
using FluentValidation;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Formatters;
using Microsoft.AspNetCore.Mvc.ModelBinding.Validation;

namespace CN2.Api.Http;

/// <summary>Registers the HTTP conventions of contract §2: JSON, problem answers, validation.</summary>
public static class HttpRegistration
{
    public static IServiceCollection AddHttpConventions(this IServiceCollection services)
    {
        // Paths of faults are the members' names in JSON: ports[0].port.
        ValidatorOptions.Global.PropertyNameResolver = (_, member, _) => member is null ? null : System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(member.Name);
        services.AddValidatorsFromAssembly(typeof(HttpRegistration).Assembly, ServiceLifetime.Singleton);
        services.AddSingleton<RequestValidation>();
        services.AddExceptionHandler<ProblemExceptions>();
        services.ConfigureHttpJsonOptions(options => ApiJson.Configure(options.SerializerOptions));
        services.AddControllers(options =>
            {
                options.InputFormatters.Clear();
                options.InputFormatters.Add(new JsonInputFormatter());
                options.InputFormatters.Add(new MergePatchInputFormatter());
                options.OutputFormatters.RemoveType<StringOutputFormatter>();
                options.OutputFormatters.RemoveType<HttpNoContentOutputFormatter>();
                foreach (var json in options.OutputFormatters.OfType<SystemTextJsonOutputFormatter>())
                {
                    json.SupportedMediaTypes.Clear(); // text/json would stand in the OpenAPI document too
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

    /// <summary>Answers what no endpoint answers (unknown path, method, media type) and what ends in an exception.</summary>
    public static void UseHttpConventions(this WebApplication app)
    {
        app.Use(AnswerHead);
        app.UseRouting(); // here: after HEAD became GET
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
                StatusCodes.Status413PayloadTooLarge => ApiProblem.PayloadTooLarge(RequestBody.Limit),
                _ => new ApiProblem(status, ProblemCodes.BadRequest, "The request failed", "The request could not be answered."),
            };
            return ProblemResult.WriteAsync(http, problem);
        });
    }

    /// <summary>HEAD is GET without the body (RFC 9110); a stream of events would have no end, so not there.</summary>
    private static Task AnswerHead(HttpContext http, RequestDelegate next)
    {
        if (!HttpMethods.IsHead(http.Request.Method) || http.Request.Path.StartsWithSegments("/v1/watch")) return next(http);
        http.Request.Method = HttpMethods.Get;
        // The server looks at the method when it begins to answer, and sends no body for HEAD.
        http.Response.OnStarting(() =>
        {
            http.Request.Method = HttpMethods.Head;
            return Task.CompletedTask;
        });
        return next(http);
    }

    /// <summary>The validators say it all; the framework need not walk every body for attributes as well.</summary>
    private sealed class NoAttributeValidation : IObjectModelValidator
    {
        public void Validate(ActionContext actionContext, ValidationStateDictionary? validationState, string prefix, object? model)
        {
        }
    }
}
