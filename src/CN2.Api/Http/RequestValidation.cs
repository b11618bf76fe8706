using System.Text.Json;
using FluentValidation;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace CN2.Api.Http;

/// <summary>
/// Runs before every action: puts together what reading the body found, what the request's <see cref="IValidator{T}"/> finds, and
/// whether name and namespace are the path's, and answers 400 with all of it.
/// </summary>
public sealed class RequestValidation(IServiceProvider services) : IAsyncActionFilter
{
    public async Task OnActionExecutionAsync(ActionExecutingContext context, ActionExecutionDelegate next)
    {
        var findings = RequestFindings.Of(context.HttpContext);
        if (findings.Refusal is { } refusal)
        {
            context.Result = new ProblemResult(refusal);
            return;
        }

        var bodyExpected = false;
        foreach (var parameter in context.ActionDescriptor.Parameters)
        {
            if (parameter.BindingInfo?.BindingSource != BindingSource.Body) continue;
            bodyExpected = true;
            if (context.ActionArguments.TryGetValue(parameter.Name, out var body) && body is not null) Check(body, context.HttpContext, findings.Faults);
            else if (findings.Faults.Count == 0) findings.Refusal = ApiProblem.MalformedJson("The body is empty; a JSON object was expected.");
        }

        if (bodyExpected && findings.Refusal is { } empty) context.Result = new ProblemResult(empty);
        else if (findings.Faults.Count > 0) context.Result = new ProblemResult(ApiProblem.Validation(findings.Faults));
        else await next();
    }

    /// <summary>Adds every fault of <paramref name="request"/> that is not named yet.</summary>
    public void Check(object request, HttpContext http, FaultList faults)
    {
        if (request is ResourceRequest resource) CheckIdentity(resource, "", http, faults);
        if (request is IResourceBatch batch)
        {
            var index = 0;
            foreach (var item in batch.Resources) CheckIdentity(item, $"items[{index++}].", http, faults);
        }

        if (services.GetService(typeof(IValidator<>).MakeGenericType(request.GetType())) is not IValidator validator) return;
        var result = validator.Validate(new ValidationContext<object>(request));
        if (result.IsValid) return;
        var known = new FaultList();
        foreach (var fault in faults) known.Add(fault.Path, fault.Message);
        foreach (var failure in result.Errors)
        {
            // A member that could not be read is absent for the rules: what they say of it is no news.
            if (!known.Covers(failure.PropertyName)) faults.Add(failure.PropertyName, failure.ErrorMessage);
        }
    }

    private static bool Is(JsonElement value, string text)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String && value.ValueEquals(text);
        }
        catch (InvalidOperationException)
        {
            return false; // half a surrogate pair
        }
    }

    private static void CheckIdentity(ResourceRequest request, string prefix, HttpContext http, FaultList faults)
    {
        if (request.Others is { } others && others.TryGetValue("namespace", out var value))
        {
            if (http.GetRouteValue("ns") is not string ns) faults.Add($"{prefix}namespace", "must be absent: what this path names lies in no namespace");
            else if (!Is(value, ns)) faults.Add($"{prefix}namespace", $"must be {ns} as in the path, or absent");
        }

        if (prefix.Length == 0 && http.GetRouteValue("name") is string pathName)
        {
            if (request.Name is null) request.Name = pathName;
            else if (request.Name != pathName) faults.Add("name", $"must be {pathName} as in the path, or absent");
            request.NameOfPath = request.Name == pathName;
        }

        if (prefix.Length == 0) RequestFindings.Of(http).Name = request.Name;
    }
}

/// <summary>A body that carries several resources in <c>items</c>.</summary>
public interface IResourceBatch
{
    IEnumerable<ResourceRequest> Resources { get; }
}
