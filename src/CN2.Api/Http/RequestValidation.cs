using System.Text.Json;
using FluentValidation;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace CN2.Api.Http;

/// <summary>
/// Runs before every action. Answers 400 with all faults: those found while the body was read, those of the request's
/// <see cref="IValidator{T}"/>, and a name or namespace that differs from the path.
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

        // The framework gives an action null for a part of the path that is blank.
        if (context.HttpContext.GetRouteValue("ns") is string ns && string.IsNullOrWhiteSpace(ns))
        {
            context.Result = new ProblemResult(ApiProblem.NotFound($"Namespace '{ns}'"));
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

    /// <summary>Adds the faults of <paramref name="request"/> that the list does not name yet.</summary>
    public void Check(object request, HttpContext http, FaultList faults)
    {
        if (request is ResourceRequest resource) CheckIdentity(resource, "", http, faults);
        if (request is IResourceBatch batch)
        {
            var index = 0;
            foreach (var item in batch.Resources) CheckIdentity(item, $"items[{index++}].", http, faults);
        }

        CheckContent(request, faults);
    }

    /// <summary>The same without what the path says of a resource.</summary>
    public void CheckContent(object request, FaultList faults)
    {
        var unread = new FaultList();
        foreach (var fault in faults) unread.Add(fault.Path, fault.Message);
        RequestSizes.Check(request, faults);
        if (services.GetService(typeof(IValidator<>).MakeGenericType(request.GetType())) is not IValidator validator) return;
        var result = validator.Validate(new ValidationContext<object>(request));
        if (result.IsValid) return;
        // The rules see a member that could not be read as absent, so their fault about it is dropped.
        foreach (var failure in result.Errors.FindAll(f => !unread.Covers(f.PropertyName))) faults.Add(failure.PropertyName, failure.ErrorMessage);
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
